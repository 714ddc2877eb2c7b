/**
 * One page's part in the calls: it owns the `Device` and at most one `Call`, and keeps the snapshot that the page shows.
 * It knows no DOM. Whatever the user does comes in as a method; whatever changed goes out through `onChange`.
 */
import { CallError, type Call, type CallSummary, type Device, type Level, type Path } from '@tincan/sdk';
import type { LiveCall, Notice, Snapshot } from './model.js';
import { displayName } from './words.js';

export interface CallerEvents {
  readonly onChange: (snapshot: Snapshot) => void;
  readonly onLevel: (level: Level) => void;
  readonly onPath: (path: Path) => void;
  readonly onEnded: (summary: CallSummary) => void;
}

const PATH_AGAIN_MS = 1500;

export class Caller {
  readonly device: Device;
  readonly #to: string;
  readonly #events: CallerEvents;
  #call: Call | undefined;
  #opening: AbortController | undefined;
  #last: { summary: CallSummary; outgoing: boolean; user: string } | undefined;
  #notice: Notice | undefined;

  constructor(device: Device, to: string, events: CallerEvents) {
    this.device = device;
    this.#to = to;
    this.#events = events;
    device.on('state', () => this.#changed());
    device.on('incoming', (call) => this.#take(call));
    // After a glare, or a reload, a call may be there that nobody announced as incoming.
    device.on('calls', (calls) => this.#adopt(calls));
    device.on('unregistered', ({ error }) => this.#say(error));
    device.on('error', (error) => this.#say(error));
  }

  get call(): Call | undefined {
    return this.#call;
  }

  /** Call in a click handler: it also unlocks sound. */
  async register(): Promise<void> {
    this.#notice = undefined;
    void this.device.audio.unlock();
    await this.#try(() => this.device.register());
  }

  unregister(): void {
    this.device.unregister();
    this.#changed();
  }

  /** Rings the peer. Call in a click handler: the microphone opens here. */
  async connect(): Promise<void> {
    if (this.#call || this.#opening) return;
    this.#clear();
    const opening = (this.#opening = new AbortController());
    this.#changed();
    await this.#try(async () => {
      try {
        const call = await this.device.connect({ to: this.#to, signal: opening.signal });
        this.#take(call);
      } finally {
        this.#opening = undefined;
      }
    });
  }

  /** Call in a click handler: the microphone opens here. */
  async accept(): Promise<void> {
    this.#notice = undefined;
    void this.device.audio.unlock();
    const call = this.#call;
    if (call?.state === 'incoming') await this.#try(() => call.accept());
  }

  reject(): void {
    if (this.#call?.state === 'incoming') this.#call.reject();
  }

  hangup(): void {
    this.#opening?.abort();
    this.#call?.hangup();
  }

  toggleMute(): void {
    const call = this.#call;
    if (!call) return;
    call.mute(!call.muted);
    this.#changed();
  }

  async unlock(): Promise<void> {
    if (await this.device.audio.unlock()) this.#notice = undefined;
    this.#changed();
  }

  /** A sentence to show until the user does the next thing. */
  #say(error: CallError | undefined): void {
    if (error && error.code !== 'aborted') this.#notice = { message: error.message, hint: error.hint };
    this.#changed();
  }

  async #try(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (cause) {
      this.#say(cause instanceof CallError ? cause : new CallError('internal', { cause }));
    }
    this.#changed();
  }

  #clear(): void {
    this.#last = undefined;
    this.#notice = undefined;
  }

  #adopt(calls: readonly Call[]): void {
    if (this.#call || this.#opening) return;
    const live = calls.find((call) => call.state !== 'ended');
    if (live) this.#take(live);
  }

  #take(call: Call): void {
    if (call === this.#call) return;
    if (this.#call) {
      // One conversation at a time on this page: a second ring is told so, here only.
      if (call.state === 'incoming') call.reject({ scope: 'here', reason: 'busy' });
      return;
    }
    this.#clear();
    this.#call = call;
    const here = new AbortController();
    const { signal } = here;
    call.on('state', ({ to }) => this.#moved(call, to), { signal });
    // A further device was handed the request, which need not change the state.
    call.on('delivered', () => this.#changed(), { signal });
    call.on('mute', () => this.#changed(), { signal });
    call.on('remoteMute', () => this.#changed(), { signal });
    call.on('quality', () => this.#changed(), { signal });
    call.on('level', (level) => this.#events.onLevel(level), { signal });
    call.on('error', (error) => this.#say(error), { signal });
    call.on('warning', ({ name, message }) => {
      this.#notice = name === 'playback-blocked' ? { message, hint: '', action: 'unlock' } : { message, hint: '' };
      this.#changed();
    }, { signal });
    void call.ended.then((summary) => {
      here.abort();
      this.#finish(call, summary);
    });
    this.#moved(call, call.state);
  }

  #moved(call: Call, to: Call['state']): void {
    if (to === 'connected') void this.#watchPath(call);
    if (to !== 'ended') this.#changed();
  }

  #finish(call: Call, summary: CallSummary): void {
    if (this.#call !== call) return;
    this.#call = undefined;
    // Two requests met: the other call is this one's continuation and nothing has ended for the user.
    if (summary.reason !== 'glare') {
      this.#last = { summary, outgoing: call.direction === 'outgoing', user: call.peer.user };
      // An error that ended the call is told by the end itself.
      if (this.#notice?.message === summary.error?.message) this.#notice = undefined;
      this.#events.onEnded(summary);
    }
    this.#adopt(this.device.calls);
    this.#changed();
  }

  /** Tells the path once it is known; it may change whenever the call reconnects. */
  async #watchPath(call: Call): Promise<void> {
    while (this.#call === call && call.state === 'connected') {
      const path = await call.path().catch((): Path => 'unknown');
      if (this.#call === call) this.#events.onPath(path);
      if (path !== 'unknown') return;
      await new Promise((resolve) => setTimeout(resolve, PATH_AGAIN_MS));
    }
  }

  #changed(): void {
    const call = this.#call;
    const user = call?.peer.user ?? this.#last?.user ?? this.#to;
    this.#events.onChange({
      peer: displayName(user),
      server: this.device.state,
      opening: this.#opening !== undefined,
      ...(call && call.state !== 'ended' ? { call: live(call, call.state) } : {}),
      ...(this.#last ? { last: this.#last } : {}),
      ...(this.#notice ? { notice: this.#notice } : {}),
    });
  }
}

function live(call: Call, state: LiveCall['state']): LiveCall {
  const { direction, devices, muted, remoteMuted, quality } = call;
  return { state, outgoing: direction === 'outgoing', devices, muted, remoteMuted, ...(quality ? { quality } : {}) };
}
