/**
 * This browser as a device of a user: registers with the server, rings, and calls.
 *
 * It owns the session and the list of calls, and brings each frame to its call. What a frame means for a call is decided
 * in `call-core.ts`; what the server and this device think of the calls is brought in line here after the server lost the session.
 */

import { AudioDevices } from './audio-devices.js';
import { Call } from './call.js';
import type { CallHost } from './call-host.js';
import { isAccepted } from './call-state.js';
import { Credentials } from './credentials.js';
import { claimDeviceName } from './device-name.js';
import type { DeviceName } from './device-name.js';
import { Emitter } from './emitter.js';
import { CallError } from './errors.js';
import { IceServers } from './ice-servers.js';
import type { IceSetup } from './ice-servers.js';
import { base64url, byteLength, isName, parseAddress } from './ids.js';
import { Later } from './later.js';
import { stopTracks } from './leg.js';
import { browserPlatform, serverUrl } from './platform.js';
import type { Platform } from './platform.js';
import { Preflight } from './preflight/preflight.js';
import type { PreflightOptions } from './preflight/types.js';
import { Recent } from './recent.js';
import { BACK_OFF_MS } from './reconnect.js';
import { Session } from './session.js';
import type { SessionEvents } from './session.js';
import type { ConnectOptions, DeviceEvents, DeviceOptions, DeviceState, Peer } from './types.js';
import { LIMITS } from './wire.js';
import type { RequestData, ServerFrame, Snapshot } from './wire.js';

/** How long the server gets to say that a call has ended, of which the other browser told us. */
const SETTLE_MS = 2_000;
/** How many ended calls are remembered. */
const PAST_MAX = 64;

type IncomingFrame = Extract<ServerFrame, { type: 'call-request' }>;

/** A device of a user. Make one for each page, and keep it. */
export class Device extends Emitter<DeviceEvents> {
  /** Microphones and speakers. */
  readonly audio: AudioDevices;

  readonly #options: DeviceOptions;
  readonly #platform: Platform;
  readonly #host: CallHost;
  readonly #later = new Later();
  readonly #calls = new Map<string, Call>();
  /** Ids of calls that ended here, so that none of them rings again. */
  readonly #past = new Recent<string>(PAST_MAX);
  /** Requests of a user whom we are just calling: glare, and the server is about to say so. */
  readonly #held = new Map<string, IncomingFrame>();
  #state: DeviceState = 'idle';
  #name: DeviceName | undefined;
  #user: string | undefined;
  #session: Session | undefined;
  #ice: IceServers | undefined;
  #registering: { promise: Promise<void>; resolve: () => void; reject: (error: CallError) => void } | undefined;
  #isDialing = false;
  #networkType: string | undefined;

  constructor(options: DeviceOptions) {
    super();
    this.#options = options;
    const platform = (this.#platform = browserPlatform(options.platform));
    const users = () => [...this.#calls.values()].map((call) => call.audioUser);
    this.audio = new AudioDevices(platform, options.audio ?? {}, users);
    this.#host = {
      platform,
      audio: this.audio,
      isOnline: () => this.#session?.isOpen ?? false,
      send: (frame) => this.#session?.send(frame),
      later: (ms, task) => this.#later.run(ms, task),
      relayOnly: options.relayOnly ?? false,
      iceServers: (call, withinMs) => this.#iceServers(call, withinMs),
      isBusy: (except) => this.#isBusy(except),
      onEnded: (id, peer, settle) => this.#onEnded(id, peer, settle),
      connect: (connectOptions) => this.connect(connectOptions),
    };
    this.#networkType = platform.network?.type;
    platform.events.addEventListener('online', this.#onNetwork);
    platform.events.addEventListener('pagehide', this.#onPageHide);
    platform.network?.addEventListener('change', this.#onNetworkEstimate);
  }

  /**
   * Tries out whether a call would work from here: microphone, speaker, server, STUN, and the relay over UDP, TCP and TLS.
   * Call it in a click handler, as it opens the microphone and plays a tone. It registers nothing and rings nobody.
   * Throws `bad-argument`; everything else is in the report.
   */
  static preflight(options: PreflightOptions): Preflight {
    return new Preflight(options);
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** Who the server says we are; `undefined` before the first registration. */
  get user(): string | undefined {
    return this.#user;
  }

  /** The name of this device among the user's devices; `undefined` before the first registration. */
  get name(): string | undefined {
    return this.#name?.name;
  }

  /** The calls that have not ended. */
  get calls(): readonly Call[] {
    return [...this.#calls.values()];
  }

  /**
   * Connects to the server; afterwards this device can call and be called, and reconnects by itself.
   *
   * Rejects with a `CallError`: `unauthorized`, `forbidden`, `token-unavailable`, or `signaling-lost` after some 15 s of
   * trying. The device is then idle again, and `register()` may be called again.
   */
  register(): Promise<void> {
    if (this.#state === 'destroyed') return Promise.reject(new CallError('bad-argument', { detail: 'destroyed' }));
    if (this.#registering) return this.#registering.promise;
    if (this.#session) return Promise.resolve();
    const { promise, resolve, reject } = deferred();
    this.#registering = { promise, resolve, reject };
    this.#setState('registering');
    void this.#open();
    return promise;
  }

  /** Leaves the server and ends every call. The device can register again. */
  unregister(): void {
    if (!this.#session && !this.#registering) return;
    for (const call of this.calls) call.pageGone();
    this.#leave(undefined);
  }

  /** Leaves for good: no timer, socket, track or listener remains. */
  destroy(): void {
    if (this.#state === 'destroyed') return;
    this.unregister();
    // A call whose device the server turned away may still be talking.
    for (const call of this.calls) call.hangup();
    this.#later.finish();
    this.audio.destroy();
    this.#platform.events.removeEventListener('online', this.#onNetwork);
    this.#platform.events.removeEventListener('pagehide', this.#onPageHide);
    this.#platform.network?.removeEventListener('change', this.#onNetworkEstimate);
    this.#name?.release();
    this.#setState('destroyed');
    this.removeAllListeners();
  }

  /**
   * Calls a user: opens the microphone (so call this in a click handler), then asks the server to ring. Resolves as soon
   * as the request is on its way; follow `call.on('state')`.
   *
   * Rejects with a `CallError`: `mic-…`, `insecure-context`, `unsupported-browser`, `not-registered`, `busy-here`,
   * `too-large`, `bad-argument`, `aborted`. What the server refuses ends the call as `failed`.
   */
  async connect({ to, context, signal }: ConnectOptions): Promise<Call> {
    const data: RequestData = { media: 'audio', ...(context === undefined ? {} : { context }) };
    this.#checkMayConnect(to, data);
    if (signal?.aborted) throw new CallError('aborted');
    this.#isDialing = true;
    try {
      const microphone = await this.audio.openMicrophone(this.audio.input);
      if (signal?.aborted || !this.#session) {
        stopTracks(microphone);
        throw new CallError(signal?.aborted ? 'aborted' : 'not-registered');
      }
      const id = base64url(this.#platform.randomBytes(16));
      if (this.#session.send({ type: 'call-request', call: id, to, data }) === undefined) {
        stopTracks(microphone);
        throw new CallError('signaling-lost');
      }
      const call = new Call(this.#host, { id, direction: 'outgoing', peer: { user: to }, context, microphone });
      this.#addCall(call);
      return call;
    } finally {
      this.#isDialing = false;
    }
  }

  #checkMayConnect(to: string, data: RequestData): void {
    if (!this.#session || this.#registering) throw new CallError('not-registered');
    if (!isName(to)) throw new CallError('bad-argument', { detail: 'to is not a user name' });
    if (to === this.#user) throw new CallError('bad-argument', { detail: 'to is this user' });
    if (byteLength(JSON.stringify(data)) > LIMITS.requestDataBytes) throw new CallError('too-large');
    if (this.#isBusy()) throw new CallError('busy-here');
    if (!this.#platform.isSecureContext) throw new CallError('insecure-context');
    if (!this.#platform.RTCPeerConnection) throw new CallError('unsupported-browser');
  }

  async #open(): Promise<void> {
    const registering = this.#registering;
    const { device } = this.#options;
    if (device !== undefined && !isName(device)) {
      return this.#leave(new CallError('bad-argument', { detail: 'device is not a name' }));
    }
    const name = (this.#name ??= device === undefined ? await claimDeviceName(this.#platform) : fixedName(device));
    // Given up while the name was being claimed.
    if (this.#registering !== registering || !registering) {
      if (this.#state === 'destroyed') name.release();
      return;
    }
    const session = new Session({
      url: this.#options.url ?? serverUrl(this.#platform),
      device: name.name,
      credentials: new Credentials(this.#options),
      platform: this.#platform,
    });
    this.#session = session;
    this.#ice = new IceServers((frame) => session.send(frame));
    session.on('welcome', (event) => this.#onWelcome(event));
    session.on('lost', (event) => this.#onLost(event));
    session.on('refused', (error) => this.#leave(error));
    session.on('frame', (frame) => this.#onFrame(frame));
    session.open();
  }

  /** Ends the session: by ourselves, or because of `error`. Sound that flows goes on. */
  #leave(error: CallError | undefined): void {
    const registering = this.#registering;
    this.#registering = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#ice?.stop();
    this.#ice = undefined;
    this.#held.clear();
    for (const call of this.calls) if (!isAccepted(call.state)) call.endAs('connection_lost', 'server');
    this.#setState('idle');
    registering?.reject(error ?? new CallError('aborted'));
    this.emit('unregistered', error ? { error } : {});
  }

  #onWelcome({ welcome, resent }: SessionEvents['welcome']): void {
    this.#user = welcome.user;
    this.#setState('registered');
    if (!welcome.resumed) this.#reconcile(welcome.calls, resent);
    for (const call of this.calls) call.signalingBack();
    this.#registering?.resolve();
    this.#registering = undefined;
    this.emit('registered', { user: welcome.user, device: welcome.device, resumed: welcome.resumed });
  }

  #onLost({ attempt, inMs, error }: SessionEvents['lost']): void {
    if (this.#registering && attempt > BACK_OFF_MS.length) {
      return this.#leave(error ?? new CallError('signaling-lost'));
    }
    if (!this.#registering) this.#setState('reconnecting');
    for (const call of this.calls) call.signalingLost();
    if (error) this.emit('error', error);
    this.emit('reconnecting', { attempt, inMs });
  }

  /** Brings our calls in line with the server's list of them. */
  #reconcile(snapshots: readonly Snapshot[], resent: ReadonlySet<string>): void {
    const listed = new Map(snapshots.map((snapshot) => [snapshot.call, snapshot]));
    for (const call of this.calls) call.reconcile(listed.get(call.id), resent.has(call.id));
    this.#held.clear();
    for (const snapshot of snapshots) {
      const { call: id, role, peer, state, data = {}, exp } = snapshot;
      if (this.#calls.has(id) || resent.has(id)) continue;
      if (role === 'callee' && !isAccepted(state) && !this.#past.has(id)) {
        this.#ring({ type: 'call-request', call: id, from: peer, data, exp: exp ?? 0 });
      } else {
        // Of a page that is gone, or ended here without the server having heard of it.
        this.#session?.send({ type: 'hangup', call: id, data: { reason: 'connection_lost' } });
      }
    }
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === 'ice-servers-response') {
      this.#ice?.answer(frame.re, frame.data);
      return;
    }
    if (frame.type === 'error' && this.#ice?.answer(frame.re, undefined)) return;
    if (frame.type === 'call-request') return this.#ring(frame);
    const id = frame.call ?? '';
    if (frame.type === 'call-ended') {
      this.#later.cancel(id);
      this.#held.delete(id);
      if (frame.data.reason === 'glare' && frame.data.call && this.#merge(id, frame.data.call)) return;
    }
    const call = this.#calls.get(id);
    if (call) {
      call.handle(frame);
    } else if (frame.type === 'call-accept') {
      // It was accepted in the moment in which we gave it up.
      this.#session?.send({ type: 'hangup', call: id, data: { reason: 'hung_up' } });
    } else if (frame.type === 'error' && frame.call === undefined) {
      this.emit('error', CallError.fromWire(frame.data));
    }
  }

  #ring(frame: IncomingFrame): void {
    const { call: id, from, data = {}, exp } = frame;
    if (this.#calls.has(id) || this.#past.has(id)) return;
    const peer = parseAddress(from);
    if (this.calls.some((call) => isUnaccepted(call) && call.peer.user === peer.user)) {
      this.#held.set(id, frame);
      return;
    }
    const call = new Call(this.#host, { id, direction: 'incoming', peer, context: data['context'], ringMs: exp });
    this.#addCall(call);
    this.#session?.send({ type: 'call-ringing', call: id });
    this.emit('incoming', call);
  }

  /** Glare: our call `id` goes on as the other side's call `other`. Returns whether it does so in the same object. */
  #merge(id: string, other: string): boolean {
    const call = this.#calls.get(id);
    const rival = this.#calls.get(other);
    this.#held.delete(other);
    // Its user accepts that one already; then that object is the one that goes on.
    if (!call || !isUnaccepted(call) || (rival && rival.state !== 'incoming')) return false;
    this.#calls.delete(id);
    this.#past.add(id);
    rival?.endAs('glare', 'server');
    this.#past.delete(other);
    call.mergeInto(other);
    this.#calls.set(other, call);
    return true;
  }

  #addCall(call: Call): void {
    this.#calls.set(call.id, call);
    this.emit('calls', this.calls);
  }

  #onEnded(id: string, peer: Peer, settle: boolean): void {
    this.#calls.delete(id);
    this.#past.add(id);
    if (settle) {
      const frame = { type: 'hangup', call: id, data: { reason: 'hung_up' } } as const;
      this.#later.run(SETTLE_MS, () => void this.#session?.send(frame), id);
    }
    this.emit('calls', this.calls);
    for (const [other, frame] of [...this.#held]) {
      if (parseAddress(frame.from).user !== peer.user) continue;
      this.#held.delete(other);
      this.#ring(frame);
    }
  }

  #isBusy(except?: Call): boolean {
    return this.#isDialing || this.calls.some((call) => call !== except && call.state !== 'incoming');
  }

  async #iceServers(call: string, withinMs?: number): Promise<IceSetup | undefined> {
    const { iceServers, relayOnly = false } = this.#options;
    if (Array.isArray(iceServers)) return { servers: iceServers, relayOnly };
    return this.#ice?.get({ call, relayOnly, withinMs });
  }

  #setState(to: DeviceState): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.emit('state', { from, to, at: Date.now() });
  }

  readonly #onNetwork = (): void => {
    this.#session?.nudge();
    for (const call of this.calls) call.networkChanged();
  };

  readonly #onNetworkEstimate = (): void => {
    const type = this.#platform.network?.type;
    // Also fires whenever the estimated speed changes, which is no reason to look for a new path.
    if (type !== this.#networkType) this.#onNetwork();
    this.#networkType = type;
  };

  readonly #onPageHide = (): void => {
    for (const call of this.calls) call.pageGone();
  };
}

/** Our own request that nobody accepted yet. */
function isUnaccepted(call: Call): boolean {
  return call.direction === 'outgoing' && !isAccepted(call.state);
}

function fixedName(name: string): DeviceName {
  return { name, release: () => {} };
}

function deferred() {
  let resolve!: () => void;
  let reject!: (error: CallError) => void;
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
