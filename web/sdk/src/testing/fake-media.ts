/** Microphones and peer connections that do only what a test says. */

class FakeTrack {
  readonly kind = 'audio';
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;

  stop(): void {
    this.stopped = true;
  }
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[] = []) {}
  getTracks(): FakeTrack[] {
    return this.tracks;
  }
  getAudioTracks(): FakeTrack[] {
    return this.tracks;
  }
}

/** `navigator.mediaDevices`: remembers every track it gave out. */
export class FakeMediaDevices extends EventTarget {
  readonly tracks: FakeTrack[] = [];
  readonly asked: MediaStreamConstraints[] = [];
  /** Makes the next `getUserMedia` fail with a DOMException of this name. */
  fail: string | undefined;
  devices: { kind: string; deviceId: string; label: string }[] = [];

  async getUserMedia(constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.asked.push(constraints);
    if (this.fail) throw new DOMException('refused', this.fail);
    const track = new FakeTrack();
    this.tracks.push(track);
    return new FakeStream([track]);
  }

  async enumerateDevices(): Promise<unknown[]> {
    return this.devices;
  }
}

class FakeChannel {
  readyState = 'connecting';
  onmessage: ((event: { data: string }) => void) | null = null;
  readonly sent: { type: string }[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }

  /** What was sent of one type. */
  said(type: string): unknown[] {
    return this.sent.filter((message) => message.type === type);
  }

  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

type Description = { type: string; sdp: string };

/** The signaling states of an RTCPeerConnection (W3C WebRTC §4.3), and nothing behind them. */
export class FakePeerConnection {
  static made: FakePeerConnection[] = [];
  signalingState = 'stable';
  connectionState = 'new';
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  ontrack: ((event: { track: FakeTrack }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly channel = new FakeChannel();
  readonly candidates: unknown[] = [];
  readonly offers: { iceRestart?: boolean }[] = [];
  /** How often an offer was withdrawn, explicitly or by taking the other side's. */
  rollbacks = 0;
  readonly senders: { track: FakeTrack | null; replaceTrack: (track: FakeTrack) => Promise<void> }[] = [];
  counters: Record<string, unknown>[] = [];
  closed = false;
  #stable: { local: Description | null; remote: Description | null } = { local: null, remote: null };
  #made = 0;
  readonly name: number;

  constructor(public config: RTCConfiguration = {}) {
    this.name = FakePeerConnection.made.push(this);
  }

  setConfiguration(config: RTCConfiguration): void {
    this.config = config;
  }

  createDataChannel(): FakeChannel {
    return this.channel;
  }

  addTrack(track: FakeTrack): void {
    const sender = {
      track: track as FakeTrack | null,
      replaceTrack: async (next: FakeTrack) => void (sender.track = next),
    };
    this.senders.push(sender);
  }

  getSenders(): unknown[] {
    return this.senders;
  }

  async createOffer(options: { iceRestart?: boolean } = {}): Promise<Description> {
    this.offers.push(options);
    return { type: 'offer', sdp: `offer ${(this.#made += 1)} of ${this.name}` };
  }

  async createAnswer(): Promise<Description> {
    return { type: 'answer', sdp: `answer ${(this.#made += 1)} of ${this.name} to <${this.remoteDescription?.sdp}>` };
  }

  async setLocalDescription(description: Description): Promise<void> {
    await Promise.resolve();
    if (description.type === 'rollback') return this.#rollback('have-local-offer');
    if (description.type === 'offer') {
      if (this.signalingState === 'stable') {
        this.#stable = { local: this.localDescription, remote: this.remoteDescription };
      } else if (this.signalingState !== 'have-local-offer') {
        throw new Error(`offer in ${this.signalingState}`);
      }
      this.localDescription = description;
      this.signalingState = 'have-local-offer';
    } else {
      if (this.signalingState !== 'have-remote-offer') throw new Error(`answer in ${this.signalingState}`);
      this.localDescription = description;
      this.signalingState = 'stable';
    }
  }

  async setRemoteDescription(description: Description): Promise<void> {
    await Promise.resolve();
    if (description.type === 'offer') {
      if (this.signalingState === 'have-local-offer') this.#rollback('have-local-offer');
      this.#stable = { local: this.localDescription, remote: this.remoteDescription };
      this.remoteDescription = description;
      this.signalingState = 'have-remote-offer';
    } else {
      if (this.signalingState !== 'have-local-offer') throw new Error(`answer in ${this.signalingState}`);
      this.remoteDescription = description;
      this.signalingState = 'stable';
    }
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    if (!this.remoteDescription) throw new Error('no remote description');
    this.candidates.push(candidate);
  }

  async getStats(): Promise<Map<string, unknown>> {
    return new Map(this.counters.map((entry) => [String(entry['id']), entry]));
  }

  close(): void {
    this.closed = true;
    this.channel.readyState = 'closed';
  }

  /** The browser reports a new state of the connection. */
  become(state: string): void {
    this.connectionState = state;
    if (state === 'connected') this.channel.readyState = 'open';
    this.onconnectionstatechange?.();
  }

  #rollback(from: string): void {
    if (this.signalingState !== from) throw new Error(`rollback in ${this.signalingState}`);
    this.rollbacks += 1;
    this.localDescription = this.#stable.local;
    this.remoteDescription = this.#stable.remote;
    this.signalingState = 'stable';
  }
}
