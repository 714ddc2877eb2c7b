/**
 * The inside of a call: its state, its deadlines and its sound, driven by the server's frames.
 *
 * The states and their graph are in `call-state.ts`, decisions about odd cases in `verdict.ts`, deadlines in
 * `deadline.ts`, the sound in `leg.ts`; what the user does is in `call.ts`. Nothing here asks whether the server can be reached: what is sent waits in the
 * session, and what must not wait goes over the data channel too.
 */

import type { AudioUser } from './audio-devices.js';
import type { CallHost, CallInit } from './call-host.js';
import { isAccepted, next } from './call-state.js';
import type { CallEvent } from './call-state.js';
import { ALONE_MS, Deadline, REACH_MS, RING_GRACE_MS, SETUP_MS, WORD_MS } from './deadline.js';
import { Emitter } from './emitter.js';
import { CallError, WARNINGS } from './errors.js';
import { IceConfig } from './ice-config.js';
import { parseAddress } from './ids.js';
import { Leg } from './leg.js';
import type { CtlMessage, RemoteMediaFrame } from './media.js';
import { Recent } from './recent.js';
import type { CallEvents, CallState, CallSummary, EndReason, JsonValue, Level, Peer, Quality, Warning } from './types.js';
import { afterForgetting, afterRefusal } from './verdict.js';
import type { CallQuality, CallUpdate, ClientFrame, HangUpReason, ServerFrame, Snapshot } from './wire.js';

/** How many reports are remembered, whose refusal would say nothing about the call. */
const REPORTS_MAX = 8;

/** What {@link Call} is made of; not to be used by itself. */
export abstract class CallCore extends Emitter<CallEvents> {
  readonly direction: 'outgoing' | 'incoming';
  /** What the caller gave to `connect()`. */
  readonly context: JsonValue | undefined;
  /** When it began on this device, milliseconds since the Unix epoch. */
  readonly createdAt = Date.now();
  /** How it ended. Never rejects. */
  readonly ended: Promise<CallSummary>;

  protected readonly host: CallHost;
  #id: string;
  #peer: Peer;
  #state: CallState;
  #offers: boolean;
  protected leg: Leg | undefined;
  #ice: IceConfig | undefined;
  #early: RemoteMediaFrame[] = [];
  #muted = false;
  #remoteMuted = false;
  #level: Level = { input: 0, output: 0 };
  #quality: Quality | undefined;
  readonly #reports = new Recent<string>(REPORTS_MAX);
  #connectedAt: number | undefined;
  #devices = 0;
  #isDetached = false;
  protected readonly deadline = new Deadline();
  #resolveEnded!: (summary: CallSummary) => void;

  /** @internal */
  constructor(host: CallHost, init: CallInit) {
    super();
    this.host = host;
    this.#id = init.id;
    this.direction = init.direction;
    this.context = init.context;
    this.#peer = init.peer;
    this.#offers = init.direction === 'outgoing';
    this.#state = this.#offers ? 'requesting' : 'incoming';
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    if (init.direction === 'outgoing') {
      this.makeLeg(init.microphone, this.askIce());
      this.#awaitWord();
    } else {
      this.deadline.set(init.ringMs + RING_GRACE_MS, () => this.finish('no_answer', 'server'));
    }
  }

  /** The call's id, equal on both sides. Changes once if both users rang each other: two calls become one. */
  get id(): string {
    return this.#id;
  }

  get peer(): Peer {
    return this.#peer;
  }

  get state(): CallState {
    return this.#state;
  }

  /** How many devices of the callee were handed the request; 0 before any was, and for an incoming call. */
  get devices(): number {
    return this.#devices;
  }

  /** When sound first flowed, milliseconds since the Unix epoch; `undefined` before. */
  get connectedAt(): number | undefined {
    return this.#connectedAt;
  }

  get muted(): boolean {
    return this.#muted;
  }

  get remoteMuted(): boolean {
    return this.#remoteMuted;
  }

  /** The latest loudness; moves only while somebody listens to `level`. */
  get level(): Level {
    return this.#level;
  }

  /** How good the call is, new each second; `undefined` before the first second of sound. Stays when the call has ended. */
  get quality(): Quality | undefined {
    return this.leg?.quality ?? this.#quality;
  }

  /** The other side's sound, once there is any. It is played already; this is for looking at it. */
  get remoteStream(): MediaStream | undefined {
    return this.leg?.remoteStream;
  }

  /** @internal */
  readonly audioUser: AudioUser = {
    useInput: async (id) => this.leg?.useInput(id),
    outputLost: () => this.#warn('output-lost'),
  };

  /** @internal A frame of the server that names this call. */
  handle(frame: ServerFrame): void {
    switch (frame.type) {
      case 'call-delivered':
        // Before the step, so that whoever follows the state reads the number that belongs to it.
        this.#devices = frame.data.devices;
        this.step('delivered');
        return this.emit('delivered', { devices: this.#devices });
      case 'call-ringing':
        this.step('rings');
        if (this.#state === 'ringing') this.emit('ringing', { device: frame.from });
        return;
      case 'call-accept':
        return this.#accepted(frame.data.peer);
      case 'offer':
      case 'answer':
      case 'candidate':
      case 'candidates':
        if (this.leg) this.leg.receive(frame);
        else this.#early.push(frame);
        return;
      case 'call-update':
        return this.#updated(frame.data);
      case 'call-ended':
        return this.finish(frame.data.reason, this.#who(frame.data.by), { talkMs: frame.data.talk_ms });
      case 'error':
        // A report that is not taken is no trouble of the user's, and none of the call's.
        return this.#reports.has(frame.re ?? '') ? undefined : this.#refused(CallError.fromWire(frame.data));
      case 'call-request':
      case 'ice-servers-response': // the device's own
    }
  }

  /** @internal Both rang each other: this call goes on as the other side's, in which we are the callee. */
  mergeInto(id: string): void {
    this.#id = id;
    this.#offers = false;
    // Credentials end with the call that they were made for.
    this.#ice?.renew();
  }

  /** @internal Ends without telling the server, which told us or is told otherwise. */
  endAs(reason: EndReason, by: CallSummary['by']): void {
    this.finish(reason, by);
  }

  /** @internal The server cannot be reached. */
  signalingLost(): void {
    if (this.#state === 'requesting') return this.#awaitWord();
    if (this.#state !== 'delivered' && this.#state !== 'ringing') return;
    this.deadline.setWhileAway(ALONE_MS, () => {
      this.send({ type: 'call-cancel', call: this.#id });
      this.finish('connection_lost', 'server');
    });
  }

  /** @internal The server can be reached again. */
  signalingBack(): void {
    this.deadline.serverIsBack();
    if (this.#state === 'requesting') this.#awaitWord();
    else if (this.#state === 'delivered' || this.#state === 'ringing') this.deadline.clear();
    this.leg?.signalingBack();
  }

  /** @internal The network may have changed. */
  networkChanged(): void {
    this.leg?.networkChanged();
  }

  /** @internal The server lost the session; see `afterForgetting`. */
  reconcile(listed: Snapshot | undefined, resent: boolean): void {
    switch (afterForgetting(this.#state, listed, resent)) {
      case 'keep':
        return;
      case 'lost':
        return this.finish('connection_lost', 'server');
      case 'detach':
        return this.#detach();
      case 'accepted':
        return this.#accepted(listed?.peer ?? this.#peer.user);
      case 'say-connected':
        return this.#sendUpdate({ media: 'connected', muted: this.#muted });
      case 'start-over':
        return this.leg?.startOver();
      case 'say-ringing':
        return this.send({ type: 'call-ringing', call: this.#id });
      case 'say-accept':
        // Without a leg the user has yet to allow the microphone, and the accept is yet to be sent.
        if (this.leg) this.send({ type: 'call-accept', call: this.#id });
        return;
      case 'rings':
        return void this.step('rings');
      case 'delivered':
        return void this.step('delivered');
    }
  }

  protected override listenersChanged(event: keyof CallEvents): void {
    if (event === 'level') this.leg?.listen(this.listenerCount('level') > 0);
  }

  #accepted(peer: string): void {
    // Accepted in our name while we only ring here: a request of ours that was given up met this call.
    if (this.#state === 'incoming') return this.abandon('hung_up');
    if (!this.step('accepted')) return;
    this.#peer = parseAddress(peer);
    this.deadline.set(SETUP_MS, () => this.abandon('media_failed'));
    this.emit('accept', { peer: this.#peer });
    this.begin();
  }

  protected begin(): void {
    void this.leg?.begin({ offers: this.#offers });
  }

  /** Asks for the ICE servers of this call, and makes what its connection is configured with. */
  protected askIce(): IceConfig {
    return (this.#ice = new IceConfig((withinMs) => this.host.iceServers(this.#id, withinMs), this.host.relayOnly));
  }

  protected makeLeg(microphone: MediaStream, ice: IceConfig): void {
    const { platform, audio } = this.host;
    const leg = (this.leg = new Leg({
      platform,
      audio,
      microphone,
      ice,
      muted: this.#muted,
      isOnline: () => this.host.isOnline(),
      later: (ms, task) => this.host.later(ms, task),
      send: (frame) => this.send({ ...frame, call: this.#id }),
      onUp: () => this.#mediaUp(),
      onLost: (cause) => {
        if (!this.step('media-lost')) return;
        // Once: what the channel cannot deliver now comes when the path is back, and is old news then.
        if (!this.host.isOnline()) this.leg?.tell({ type: 'update', update: { media: 'lost' } });
        this.emit('reconnecting', { cause });
      },
      // Each time, and not when it was lost: the caller restarts whenever it hears it, and it may not have arrived.
      onSearch: () => {
        if (this.#state === 'reconnecting') this.#sendUpdate({ media: 'lost' });
      },
      onBack: (afterMs) => {
        if (!this.step('media-up')) return;
        this.#tellUpdate({ media: 'connected' });
        this.emit('reconnected', { afterMs });
      },
      onGiveUp: (reason) => this.abandon(reason),
      onCtl: (message) => this.#heard(message),
      onWarning: (name) => this.#warn(name),
      onLevel: (level) => this.emit('level', (this.#level = level)),
      onQuality: (quality) => this.emit('quality', (this.#quality = quality)),
      onReport: (report) => this.#report(report),
    }));
    for (const frame of this.#early.splice(0)) leg.receive(frame);
    if (this.listenerCount('level') > 0) leg.listen(true);
  }

  #mediaUp(): void {
    if (!this.step('media-up')) return;
    this.deadline.clear();
    this.#connectedAt = Date.now();
    this.#sendUpdate({ media: 'connected', ...(this.#muted && { muted: true }) });
  }

  #heard(message: CtlMessage): void {
    if (message.type === 'update') this.#updated(message.update);
    else if (message.type === 'hangup') this.finish(message.reason, 'remote', { settle: true });
    else if (message.type === 'quality') this.leg?.heardThere(message.bars);
  }

  /** Tells the server how good the call was, if it knows the call. */
  #report(data: CallQuality): void {
    if (this.#isDetached) return;
    const name = this.host.send({ type: 'call-quality', call: this.#id, data });
    if (name !== undefined) this.#reports.add(name);
  }

  #updated({ media, muted }: CallUpdate): void {
    if (media !== undefined) this.leg?.missed(media === 'lost');
    if (muted === undefined || muted === this.#remoteMuted) return;
    this.#remoteMuted = muted;
    this.emit('remoteMute', muted);
  }

  /** The server refused something about this call. */
  #refused(error: CallError): void {
    switch (afterRefusal(this.#state, error.code)) {
      case 'fail':
        return this.finish('failed', 'server', { error });
      case 'elsewhere':
        return this.finish('answered_elsewhere', 'server');
      case 'lost':
        return this.finish('connection_lost', 'server', { error });
      case 'detach':
        return this.#detach();
      case 'ring-on':
        if (!this.step('accept-failed')) return;
        this.#dropLeg();
        this.deadline.set(ALONE_MS, () => this.finish('no_answer', 'server'));
        return this.emit('error', error);
      case 'report':
        return this.emit('error', error);
      case 'ignore':
        return;
    }
  }

  /** The server does not know the call, but sound flows: the call goes on without it. */
  #detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#warn('detached');
  }

  /** A request about which nothing is heard fails in the end. */
  #awaitWord(): void {
    const giveUp = (code: 'timeout' | 'signaling-lost') => () => {
      this.send({ type: 'call-cancel', call: this.#id });
      this.finish('failed', 'server', { error: new CallError(code) });
    };
    if (this.host.isOnline()) this.deadline.set(REACH_MS, giveUp('timeout'));
    else this.deadline.setWhileAway(WORD_MS, giveUp('signaling-lost'));
  }

  /** We end an accepted call. */
  protected abandon(reason: HangUpReason): void {
    this.send({ type: 'hangup', call: this.#id, data: { reason } });
    this.finish(reason, 'local', { lastWord: { type: 'hangup', reason } });
  }

  protected finish(
    reason: EndReason,
    by: CallSummary['by'],
    more: { talkMs?: number | undefined; error?: CallError; lastWord?: CtlMessage; settle?: boolean } = {},
  ): void {
    if (!this.step('end')) return;
    this.deadline.clear();
    this.#dropLeg(more.lastWord);
    const at = Date.now();
    const talkMs = more.talkMs ?? (this.#connectedAt === undefined ? 0 : Math.max(0, at - this.#connectedAt));
    const summary = { reason, by, talkMs, at, ...(more.error && { error: more.error }) };
    this.host.onEnded(this.#id, this.#peer, more.settle ?? false);
    this.#resolveEnded(summary);
    if (more.error) this.emit('error', more.error);
    this.emit('ended', summary);
  }

  #dropLeg(lastWord?: CtlMessage): void {
    this.#quality = this.quality;
    this.leg?.close(lastWord);
    this.leg = undefined;
    this.#early = [];
  }

  /** Whose act it was, by address. Another device of ours counts as us. */
  #who(by: string | undefined): CallSummary['by'] {
    if (by === undefined) return 'server';
    return parseAddress(by).user === this.#peer.user ? 'remote' : 'local';
  }

  protected step(event: CallEvent): boolean {
    const from = this.#state;
    const to = next(from, event);
    if (to === undefined) return false;
    this.#state = to;
    // The server spoke: the request did arrive.
    if (from === 'requesting') this.deadline.clear();
    this.emit('state', { from, to, at: Date.now() });
    return true;
  }

  protected send(frame: ClientFrame): void {
    this.host.send(frame);
  }

  #sendUpdate(data: CallUpdate): void {
    if (isAccepted(this.#state)) this.send({ type: 'call-update', call: this.#id, data });
  }

  protected setMuted(on: boolean): void {
    if (on === this.#muted || this.#state === 'ended') return;
    this.#muted = on;
    this.leg?.mute(on);
    this.#tellUpdate({ muted: on });
    this.emit('mute', on);
  }

  /** Over both ways: the data channel works while the server is away. */
  #tellUpdate(update: CallUpdate): void {
    this.#sendUpdate(update);
    this.leg?.tell({ type: 'update', update });
  }

  #warn(name: Warning['name']): void {
    this.emit('warning', { name, message: WARNINGS[name] });
  }
}
