/**
 * What the SDK takes from the browser, in one place, so that tests can replace it.
 *
 * Timers and clocks are not here: fake timers replace the global ones.
 */

/** Plays one stream: the part of `HTMLAudioElement` that is used. */
export interface AudioSink {
  srcObject: MediaProvider | null;
  autoplay: boolean;
  play(): Promise<void>;
  pause(): void;
  /** Absent where the browser cannot choose a speaker. */
  setSinkId?(id: string): Promise<void>;
}

export interface Platform {
  WebSocket: new (url: string, protocol: string) => WebSocket;
  /** Absent in browsers without WebRTC. */
  RTCPeerConnection: (new (config: RTCConfiguration) => RTCPeerConnection) | undefined;
  /** Absent on insecure pages. */
  mediaDevices: MediaDevices | undefined;
  /** For asking whether the server is there when its socket does not open. */
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  MediaStream: new (tracks?: MediaStreamTrack[]) => MediaStream;
  AudioContext: (new () => AudioContext) | undefined;
  createAudio: () => AudioSink;
  /** Where the device name is kept over a reload; absent if the user forbids storage. */
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined;
  /** Absent on insecure pages and in old browsers. */
  locks: Pick<LockManager, 'request'> | undefined;
  /** Emits `online` and `pagehide`: the window. */
  events: EventTarget;
  /**
   * `navigator.connection`, where there is one: emits `change` when an estimate of the network changes, and names its
   * `type` on phones.
   */
  network: (EventTarget & { readonly type?: string }) | undefined;
  isSecureContext: boolean;
  /** The page's address. */
  location: { protocol: string; host: string };
  randomBytes: (length: number) => Uint8Array;
  /** From 0 up to 1, for jitter. */
  random: () => number;
}

/** The real browser, with `overrides` in place of its parts. */
export function browserPlatform(overrides: Partial<Platform> = {}): Platform {
  // Read lazily and never at import, so that the module can be loaded where there is no browser (server rendering).
  const scope = globalThis as typeof globalThis & {
    navigator?: Navigator & { connection?: NonNullable<Platform['network']> };
    RTCPeerConnection?: Platform['RTCPeerConnection'];
    AudioContext?: Platform['AudioContext'];
  };
  return {
    WebSocket: scope.WebSocket,
    RTCPeerConnection: scope.RTCPeerConnection,
    mediaDevices: scope.navigator?.mediaDevices,
    fetch: (url, init) => scope.fetch(url, init),
    MediaStream: scope.MediaStream,
    AudioContext: scope.AudioContext,
    createAudio: () => new Audio(),
    storage: tabStorage(),
    locks: scope.navigator?.locks,
    events: typeof scope.addEventListener === 'function' ? scope : new EventTarget(),
    network: scope.navigator?.connection,
    isSecureContext: scope.isSecureContext ?? false,
    location: scope.location ?? { protocol: 'http:', host: 'localhost' },
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    random: Math.random,
    ...overrides,
  };
}

/** Where the signaling socket of the page's own server is. */
export function serverUrl({ location }: Pick<Platform, 'location'>): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/ws`;
}

function tabStorage(): Storage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined; // the user forbids it: reading the property throws
  }
}
