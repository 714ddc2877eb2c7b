/**
 * A device that does nothing by itself: the preview puts it, and a call, into any state. Only for dev/states.html.
 */
import type { Call, CallState, CallSummary, Device, DeviceState, Level, Path, Quality } from '@tincan/sdk';

type Listener = (value: never) => void;

class Events {
  readonly #listeners = new Map<string, Set<Listener>>();

  on(event: string, listener: Listener): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  emit(event: string, value: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as (value: unknown) => void)(value);
  }
}

export class FakeCall extends Events {
  state: CallState;
  devices = 0;
  muted = false;
  remoteMuted = false;
  connectedAt: number | undefined;
  level: Level = { input: 0, output: 0 };
  quality: Quality | undefined;
  readonly ended: Promise<CallSummary>;
  readonly direction: 'outgoing' | 'incoming';
  readonly peer: { user: string };
  readonly #path: Path;
  #end: (summary: CallSummary) => void = () => {};

  constructor(direction: 'outgoing' | 'incoming', user: string, state: CallState, path: Path = 'direct') {
    super();
    this.direction = direction;
    this.peer = { user };
    this.state = state;
    this.#path = path;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  move(to: CallState): void {
    const from = this.state;
    this.state = to;
    if (to === 'delivered') this.devices = 1;
    if (to === 'connected') this.connectedAt ??= Date.now();
    this.emit('state', { from, to, at: Date.now() });
  }

  finish(summary: Partial<CallSummary>): void {
    this.state = 'ended';
    this.#end({ reason: 'hung_up', by: 'local', talkMs: 0, at: Date.now(), ...summary });
  }

  sound(quality: Partial<Quality> = {}): void {
    const figures = { mos: 4.37, rttMs: 38, lost: 0.002, codec: 'opus' };
    this.quality = { bars: 4, remoteBars: 4, cause: 'none', sentence: '', path: this.#path === 'relay' ? 'relay_tls' : this.#path, ...figures, ...quality };
    this.emit('quality', this.quality);
  }

  async accept(): Promise<void> {
    this.move('negotiating');
    setTimeout(() => this.move('connected'), 900);
  }

  mute(on = true): void {
    this.muted = on;
    this.emit('mute', on);
  }

  reject(): void {
    this.finish({ reason: 'declined' });
  }

  hangup(): void {
    this.finish({ reason: this.connectedAt ? 'hung_up' : 'cancelled', talkMs: this.connectedAt ? Date.now() - this.connectedAt : 0 });
  }

  async path(): Promise<Path> {
    return this.#path;
  }
}

export class FakeDevice extends Events {
  state: DeviceState = 'idle';
  calls: FakeCall[] = [];
  readonly audio = Object.assign(new Events(), {
    inputs: [{ id: 'a', label: 'Built-in microphone' }, { id: 'b', label: 'Headset' }],
    outputs: [{ id: 'c', label: 'Built-in speaker' }],
    input: undefined, output: undefined, canChooseOutput: true,
    setInput: async () => {}, setOutput: async () => {}, refresh: async () => {}, unlock: async () => true,
  });

  move(to: DeviceState): void {
    const from = this.state;
    this.state = to;
    this.emit('state', { from, to, at: Date.now() });
  }

  async register(): Promise<void> {
    this.move('registering');
    await new Promise((resolve) => setTimeout(resolve, 600));
    this.move('registered');
  }

  unregister(): void {
    this.move('idle');
  }

  async connect({ to }: { to: string }): Promise<FakeCall> {
    const call = new FakeCall('outgoing', to, 'requesting');
    const steps: [number, CallState][] = [[900, 'delivered'], [1800, 'ringing'], [5000, 'negotiating'], [5900, 'connected']];
    for (const [after, state] of steps) setTimeout(() => call.state !== 'ended' && call.move(state), after);
    return call;
  }
}

/** The one place where the fake claims to be real: the page uses only what the fake has. */
export const asDevice = (fake: FakeDevice): Device => fake as unknown as Device;
export const asCall = (fake: FakeCall): Call => fake as unknown as Call;
