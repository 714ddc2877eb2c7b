/** Peer connections and data channels of one page, over a network with a STUN server and relays that a test can break. */

type Way = 'open' | 'unreachable' | 'refused' | 'full' | 'no-path';
type Transport = 'udp' | 'tcp' | 'tls';
type Candidate = {
  candidate: string;
  type: string;
  address: string;
  port: number;
  relatedAddress: string;
  relatedPort: number;
};
type Description = { type: string; sdp: string };

const GATHER_MS = 20;
const TURN_ERRORS: Partial<Record<Way, number>> = { refused: 401, full: 486 };

export class FakeNetwork {
  /** `untold`: as where nothing translates addresses, so that a reply has nothing to tell; one more way to it is dead. */
  stun: 'replies' | 'silent' | 'untold' = 'replies';
  /** The address that each STUN server sees, in the order of the servers. */
  ports = [40_000];
  relay: Record<Transport, Way> = { udp: 'open', tcp: 'open', tls: 'open' };
  /** From one end through the relay to the other, milliseconds. */
  delayMs = 10;
  /** Whether the n-th packet is lost, and by how much the others are late. */
  lost: (n: number) => boolean = () => false;
  lateMs: (n: number) => number = () => 0;
  packets = 0;
  readonly made: FakeIceConnection[] = [];

  get RTCPeerConnection(): new (config: RTCConfiguration) => RTCPeerConnection {
    const network = this;
    return class extends FakeIceConnection {
      constructor(config: RTCConfiguration) {
        super(config, network);
      }
    } as unknown as new (config: RTCConfiguration) => RTCPeerConnection;
  }
}

class FakeIceChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  far: FakeIceChannel | undefined;

  constructor(
    readonly network: FakeNetwork,
    readonly init: RTCDataChannelInit | undefined,
  ) {}

  send(data: ArrayBuffer): void {
    if (this.readyState !== 'open') throw new DOMException('', 'InvalidStateError');
    const n = (this.network.packets += 1);
    if (this.network.lost(n)) return;
    setTimeout(
      () => this.far?.readyState === 'open' && this.far.onmessage?.({ data }),
      this.network.delayMs + this.network.lateMs(n),
    );
  }
}

export class FakeIceConnection extends EventTarget {
  connectionState = 'new';
  onicecandidate: ((event: { candidate: Candidate | null }) => void) | null = null;
  onicecandidateerror: null = null;
  onconnectionstatechange: (() => void) | null = null;
  channel: FakeIceChannel | undefined;
  closed = false;
  #remote: FakeIceConnection | undefined;
  #ways = 0;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    readonly config: RTCConfiguration,
    readonly network: FakeNetwork,
  ) {
    super();
    network.made.push(this);
  }

  createDataChannel(_label: string, init?: RTCDataChannelInit): FakeIceChannel {
    return (this.channel = new FakeIceChannel(this.network, init));
  }

  async createOffer(): Promise<Description> {
    return { type: 'offer', sdp: String(this.network.made.indexOf(this)) };
  }

  createAnswer = this.createOffer;

  async setLocalDescription(): Promise<void> {
    this.#after(GATHER_MS, () => this.#gather());
  }

  async setRemoteDescription({ sdp }: Description): Promise<void> {
    this.#remote = this.network.made[Number(sdp)];
  }

  async addIceCandidate(candidate?: Candidate): Promise<void> {
    if (!this.#remote) throw new DOMException('', 'InvalidStateError');
    if (!candidate || candidate.address === 'nowhere') return;
    this.#ways += 1;
    if (this.#remote.#ways > 0) this.#after(2 * this.network.delayMs, () => this.#connect());
  }

  close(): void {
    this.closed = true;
    if (this.channel) this.channel.readyState = 'closed';
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #gather(): void {
    if (this.config.iceTransportPolicy !== 'relay') this.#candidate('host', '192.168.0.2', 5000);
    const urls = (this.config.iceServers ?? []).flatMap((server) => server.urls);
    let complete = true;
    for (const [n, url] of urls.entries())
      complete = (url.startsWith('stun') ? this.#stun(n) : this.#turn(url)) && complete;
    if (complete) this.#emit('icecandidate', { candidate: null });
  }

  /** Returns whether the browser is done with it, as do the next two. */
  #stun(n: number): boolean {
    const { stun, ports } = this.network;
    if (stun === 'replies') this.#candidate('srflx', '203.0.113.77', ports[n] ?? ports[0]!);
    return stun === 'replies';
  }

  #turn(url: string): boolean {
    const transport: Transport = url.startsWith('turns') ? 'tls' : url.includes('tcp') ? 'tcp' : 'udp';
    const way = this.network.relay[transport];
    if (way === 'open') this.#candidate('relay', '198.51.100.5', 50_000, this.#seenBy());
    if (way === 'no-path') this.#candidate('relay', 'nowhere', 50_000);
    const code = TURN_ERRORS[way];
    if (code) this.#emit('icecandidateerror', { errorCode: code, url });
    // As browsers do: a stream that cannot be opened is known at once, a datagram without a reply is not.
    if (way === 'unreachable' && transport !== 'udp') this.#emit('icecandidateerror', { errorCode: 701, url });
    return way !== 'unreachable' || transport !== 'udp';
  }

  /** The address that a relay tells beside its own. */
  #seenBy(): [string, number] {
    return this.network.stun === 'untold' ? ['192.168.0.2', 5000] : ['203.0.113.77', this.network.ports[0]!];
  }

  #candidate(
    type: string,
    address: string,
    port: number,
    [relatedAddress, relatedPort]: [string, number] = ['192.168.0.2', 5000],
  ): void {
    const candidate = { candidate: `${type} ${address}`, type, address, port, relatedAddress, relatedPort };
    this.#emit('icecandidate', { candidate });
  }

  #emit(type: string, members: object): void {
    if (this.closed) return;
    const event = Object.assign(new Event(type), members);
    if (type === 'icecandidate') this.onicecandidate?.(event as never);
    this.dispatchEvent(event);
  }

  #connect(): void {
    for (const [one, other] of [
      [this, this.#remote!],
      [this.#remote!, this],
    ] as const) {
      one.connectionState = 'connected';
      if (!one.channel || !other.channel) continue;
      one.channel.far = other.channel;
      one.channel.readyState = 'open';
    }
    for (const one of [this, this.#remote!]) one.channel?.onopen?.();
  }

  #after(ms: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.closed) task();
    }, ms);
    this.#timers.add(timer);
  }
}
