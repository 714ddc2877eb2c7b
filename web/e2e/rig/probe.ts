/**
 * Instruments that are put into a page before its own scripts run. They measure and do not pretend: the microphone opens,
 * the connection connects, the sound arrives; here it is counted and listened to.
 *
 * `install` is handed to the browser as text, so it must not use anything from outside of itself.
 */

export interface Heard {
  /** The loudest frequency, hertz; 0 if there is no sound to listen to. */
  readonly hz: number;
  /** How loud it is, decibels relative to full scale. */
  readonly db: number;
  /** The same for the middle one of all frequencies: the noise. */
  readonly noise: number;
  /** Whether it is loud enough to be heard, and whether it is a tone: loud, and far above the noise. */
  readonly loud: boolean;
  readonly tone: boolean;
}

/** Moments on this machine's clock, as far as they came. */
export interface Moments {
  readonly accepted?: number;
  readonly heard?: number;
}

/** Packets received up to a moment. */
export interface Reading {
  readonly at: number;
  readonly packets: number;
}

export interface Candidate {
  readonly type: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  /** How this browser reaches its relay: udp, tcp or tls. */
  readonly relayProtocol?: string;
}

export interface Probe {
  /** How often the page asked for the microphone, and how many of these tracks are open. */
  microphone(): { asked: number; open: number };
  hears(): Heard;
  packets(): Promise<number>;
  /** How loud the sound is that the browser decodes and plays, 0 to 1. Unlike `hears` it does not ask Web Audio. */
  plays(): Promise<number>;
  /** Begins to look out for a click on Accept, and for the first tone. */
  time(): void;
  moments(): Moments;
  /** Begins to read the packet counter every 100 ms. */
  watch(): void;
  readings(): readonly Reading[];
  candidates(): Promise<{ all: Candidate[]; local?: Candidate; remote?: Candidate }>;
  connections(): number;
  /** How many of them the page has not closed. */
  openConnections(): number;
  /** The state of everything that sound passes through, for the evidence. */
  report(): Promise<Record<string, unknown>>;
  /** Every value of `data-state` that the call showed, in order. */
  states(): readonly string[];
  /** Every text that the two live regions said, in order. */
  spoken(): readonly string[];
  violations(): readonly string[];
}

declare global {
  interface Window {
    /** Only in tests. */
    tincanProbe: Probe;
  }
}

export function install(): void {
  const every100Ms = 100;
  const every10Ms = 10;
  const loudDb = -70;
  const clearDb = 25;
  const peers: RTCPeerConnection[] = [];
  const tracks: MediaStreamTrack[] = [];
  const violations: string[] = [];
  const states: string[] = [];
  const spoken: string[] = [];
  const readings: { at: number; packets: number }[] = [];
  const moments: { accepted?: number; heard?: number } = {};
  let asked = 0;
  let ear: { track: MediaStreamTrack; context: AudioContext; analyser: AnalyserNode } | undefined;

  document.addEventListener('securitypolicyviolation', (event) => {
    violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
  });

  const { mediaDevices } = navigator;
  if (mediaDevices) {
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
      asked += 1;
      // A pure tone is noise to a noise suppressor, and an echo to an echo canceller.
      const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, voiceIsolation: false, channelCount: 1 };
      const audio = wanted?.audio ? { ...(typeof wanted.audio === 'object' ? wanted.audio : {}), ...raw } : false;
      const stream = await open({ ...wanted, audio });
      tracks.push(...stream.getTracks());
      return stream;
    };
  }

  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      peers.push(this);
    }
  };

  const live = (): RTCPeerConnection | undefined => peers.findLast((pc) => pc.connectionState !== 'closed');
  const stats = async (): Promise<Record<string, unknown>[]> => {
    const found: Record<string, unknown>[] = [];
    (await live()?.getStats())?.forEach((one) => found.push(one as Record<string, unknown>));
    return found;
  };
  const packets = async (): Promise<number> =>
    (await stats()).filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio').reduce((sum, { packetsReceived }) => sum + Number(packetsReceived ?? 0), 0);

  const listen = (): typeof ear => {
    const track = live()?.getReceivers().find((receiver) => receiver.track?.kind === 'audio')?.track;
    if (!track) return undefined;
    if (ear?.track !== track) {
      void ear?.context.close();
      const context = new AudioContext();
      const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      ear = { track, context, analyser };
    }
    if (ear.context.state === 'suspended') void ear.context.resume();
    return ear;
  };

  const show = (track: MediaStreamTrack | null) => track && { id: track.id, state: track.readyState, enabled: track.enabled, muted: track.muted };

  const watchPage = (): void => {
    const follow = (id: string, note: (element: HTMLElement) => void, what: MutationObserverInit): void => {
      const element = document.getElementById(id);
      if (element) new MutationObserver(() => note(element)).observe(element, what);
    };
    follow('call-state', (element) => states.push(element.dataset['state'] ?? ''), { attributes: true, attributeFilter: ['data-state'] });
    const say = (element: HTMLElement): void => void (element.textContent && spoken.push(element.textContent));
    for (const id of ['live', 'live-now']) follow(id, say, { childList: true, characterData: true, subtree: true });
  };
  document.addEventListener('readystatechange', () => document.readyState === 'interactive' && watchPage());

  const hears = (): Heard => {
    const now = listen();
    if (!now || now.context.state !== 'running') return { hz: 0, db: -Infinity, noise: -Infinity, loud: false, tone: false };
    const levels = new Float32Array(now.analyser.frequencyBinCount);
    now.analyser.getFloatFrequencyData(levels);
    let loudest = 0;
    for (let i = 1; i < levels.length; i += 1) if ((levels[i] ?? 0) > (levels[loudest] ?? 0)) loudest = i;
    const hz = (loudest * now.context.sampleRate) / now.analyser.fftSize;
    const db = levels[loudest] ?? -Infinity;
    const noise = levels.sort()[levels.length >> 1] ?? -Infinity;
    return { hz, db, noise, loud: db > loudDb, tone: db > loudDb && db - noise >= clearDb };
  };

  window.tincanProbe = {
    microphone: () => ({ asked, open: tracks.filter((track) => track.readyState === 'live').length }),
    hears,
    packets,
    plays: async () => Number((await stats()).find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')?.['audioLevel'] ?? 0),
    time: () => {
      document.getElementById('accept')?.addEventListener('click', () => (moments.accepted = Date.now()), { capture: true, once: true });
      const ear = setInterval(() => {
        if (!hears().tone) return;
        moments.heard = Date.now();
        clearInterval(ear);
      }, every10Ms);
    },
    moments: () => moments,
    watch: () => {
      setInterval(() => void packets().then((count) => readings.push({ at: Date.now(), packets: count })), every100Ms);
    },
    readings: () => readings,
    candidates: async () => {
      const all = await stats();
      const known = new Map(all.map((one) => [one['id'], one]));
      const candidate = (one: Record<string, unknown> | undefined) =>
        one && {
          type: String(one['candidateType']), address: String(one['address']), port: Number(one['port']), protocol: String(one['protocol']),
          ...(one['relayProtocol'] !== undefined && { relayProtocol: String(one['relayProtocol']) }),
        };
      const transport = all.find(({ type }) => type === 'transport');
      const pair = transport ? known.get(transport['selectedCandidatePairId']) : all.find((one) => one['type'] === 'candidate-pair' && one['nominated'] === true && one['state'] === 'succeeded');
      const local = candidate(known.get(pair?.['localCandidateId']));
      const remote = candidate(known.get(pair?.['remoteCandidateId']));
      const ends = all.filter(({ type }) => type === 'local-candidate' || type === 'remote-candidate').map((one) => candidate(one)!);
      return { all: ends, ...(local && { local }), ...(remote && { remote }) };
    },
    connections: () => peers.length,
    openConnections: () => peers.filter((pc) => pc.signalingState !== 'closed').length,
    report: async () => {
      const pc = live();
      const sound = (await stats()).filter(({ type, kind }) => kind === 'audio' && ['inbound-rtp', 'outbound-rtp', 'media-source', 'media-playout'].includes(String(type)));
      const ways = (pc?.getTransceivers() ?? []).map(({ mid, currentDirection, sender, receiver }) =>
        ({ mid, currentDirection, sends: show(sender.track), receives: show(receiver.track) }));
      const { connectionState, iceConnectionState, signalingState } = pc ?? {};
      return { connectionState, iceConnectionState, signalingState, ear: ear && { context: ear.context.state, at: ear.context.currentTime, ...show(ear.track) }, ways, sound, readings: readings.slice(-40) };
    },
    states: () => states,
    spoken: () => spoken,
    violations: () => violations,
  };
}
