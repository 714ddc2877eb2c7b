/**
 * Microphones and speakers: which there are, which are chosen, and the one audio element that plays the other side.
 *
 * One element for the device's whole life, because some browsers let an element play only if a click started it once.
 */

import { Emitter } from './emitter.js';
import { CallError } from './errors.js';
import type { AudioSink, Platform } from './platform.js';
import type { AudioDevice, AudioEvents } from './types.js';

const DEFAULT_CONSTRAINTS: MediaTrackConstraints & { voiceIsolation?: ConstrainBoolean } = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  // Speech is mono; without this, switching the three above off makes browsers record stereo.
  channelCount: 1,
  voiceIsolation: { ideal: true },
};

/** @internal What live calls do when the choice changes. */
export interface AudioUser {
  useInput(id: string | undefined): Promise<void>;
  outputLost(): void;
}

/** The microphones and speakers of this machine. */
export class AudioDevices extends Emitter<AudioEvents> {
  readonly #platform: Platform;
  readonly #constraints: MediaTrackConstraints;
  readonly #users: () => Iterable<AudioUser>;
  #inputs: readonly AudioDevice[] = [];
  #outputs: readonly AudioDevice[] = [];
  #input: string | undefined;
  #output: string | undefined;
  #sink: AudioSink | undefined;

  /** @internal */
  constructor(platform: Platform, constraints: MediaTrackConstraints, users: () => Iterable<AudioUser>) {
    super();
    this.#platform = platform;
    this.#constraints = constraints;
    this.#users = users;
    platform.mediaDevices?.addEventListener('devicechange', this.#onChange);
  }

  /** Empty before {@link refresh}; without labels until the user has allowed the microphone once. */
  get inputs(): readonly AudioDevice[] {
    return this.#inputs;
  }

  get outputs(): readonly AudioDevice[] {
    return this.#outputs;
  }

  /** The chosen microphone; `undefined`: the system's default. Setting it is {@link setInput}, errors as `error` event. */
  get input(): string | undefined {
    return this.#input;
  }

  set input(id: string | undefined) {
    this.setInput(id).catch((error: unknown) => this.emit('error', CallError.from(error)));
  }

  /** The chosen speaker; `undefined`: the system's default. Setting it is {@link setOutput}, errors as `error` event. */
  get output(): string | undefined {
    return this.#output;
  }

  set output(id: string | undefined) {
    this.setOutput(id).catch((error: unknown) => this.emit('error', CallError.from(error)));
  }

  /** Whether this browser can choose a speaker at all. */
  get canChooseOutput(): boolean {
    return typeof this.#element.setSinkId === 'function';
  }

  /** Chooses the microphone for this and the next calls. Rejects with `mic-…`; the old one then stays in use. */
  async setInput(id: string | undefined): Promise<void> {
    for (const user of this.#users()) await user.useInput(id);
    this.#input = id;
  }

  /** Chooses the speaker for this and the next calls. Rejects with `output-unsupported` or `output-missing`. */
  async setOutput(id: string | undefined): Promise<void> {
    const sink = this.#element;
    if (!sink.setSinkId) throw new CallError('output-unsupported');
    try {
      await sink.setSinkId(id ?? '');
    } catch (cause) {
      throw new CallError('output-missing', { cause });
    }
    this.#output = id;
  }

  /** Reads the lists again. Does not ask for the microphone. */
  async refresh(): Promise<void> {
    const { mediaDevices } = this.#platform;
    if (!mediaDevices?.enumerateDevices) return;
    const all = await mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind): AudioDevice[] =>
      all.filter((d) => d.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
    this.#inputs = of('audioinput');
    this.#outputs = of('audiooutput');
    this.emit('change', { inputs: this.#inputs, outputs: this.#outputs });
  }

  /** To be called in a click handler: lets sound play that the browser held back. Returns whether it plays now. */
  async unlock(): Promise<boolean> {
    try {
      await this.#element.play();
      return true;
    } catch {
      return false;
    }
  }

  /**
   * @internal Opens the microphone. The browser is asked before anything is awaited, so a click handler's call counts
   * as a gesture. Rejects with a `CallError`.
   */
  async openMicrophone(id: string | undefined): Promise<MediaStream> {
    const { mediaDevices, isSecureContext } = this.#platform;
    if (!mediaDevices?.getUserMedia) throw new CallError(isSecureContext ? 'unsupported-browser' : 'insecure-context');
    const audio = { ...DEFAULT_CONSTRAINTS, ...this.#constraints };
    const open = (deviceId: string | undefined) =>
      mediaDevices.getUserMedia({ audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio });
    try {
      const stream = await open(id).catch((error: unknown) => {
        // The chosen one is gone: any other is better than none.
        if (id && isNamed(error, 'OverconstrainedError', 'NotFoundError')) return open(undefined);
        throw error;
      });
      // Labels are known from now on.
      void this.refresh().catch(() => {});
      return stream;
    } catch (error) {
      throw CallError.fromMicrophone(error);
    }
  }

  /** @internal Plays the other side. Returns whether the browser lets it play. */
  play(stream: MediaStream): Promise<boolean> {
    this.#element.srcObject = stream;
    return this.unlock();
  }

  /** @internal Stops playing `stream`, if it is what plays. */
  silence(stream: MediaStream): void {
    if (this.#sink?.srcObject !== stream) return;
    this.#sink.pause();
    this.#sink.srcObject = null;
  }

  /** @internal */
  destroy(): void {
    this.#platform.mediaDevices?.removeEventListener('devicechange', this.#onChange);
    this.#sink?.pause();
    this.#sink = undefined;
    this.removeAllListeners();
  }

  get #element(): AudioSink {
    if (!this.#sink) {
      this.#sink = this.#platform.createAudio();
      this.#sink.autoplay = true;
    }
    return this.#sink;
  }

  readonly #onChange = (): void => {
    void this.#changed().catch(() => {});
  };

  async #changed(): Promise<void> {
    await this.refresh();
    if (this.#output === undefined || this.#outputs.some(({ id }) => id === this.#output)) return;
    await this.setOutput(undefined);
    for (const user of this.#users()) user.outputLost();
  }
}

function isNamed(error: unknown, ...names: string[]): boolean {
  return names.includes((error as { name?: string } | null)?.name ?? '');
}
