/** Measures how loud both ends are, ten times a second, and costs nothing when nobody listens. */

import type { Platform } from './platform.js';
import type { Level } from './types.js';

const EVERY_MS = 100;
/** What counts as silence, in decibels below full scale. */
const FLOOR_DB = -60;

export class LevelMeter {
  readonly #platform: Pick<Platform, 'AudioContext'>;
  readonly #report: (level: Level) => void;
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #taps = new Map<'input' | 'output', { source: MediaStreamAudioSourceNode; analyser: AnalyserNode }>();

  constructor(platform: Pick<Platform, 'AudioContext'>, report: (level: Level) => void) {
    this.#platform = platform;
    this.#report = report;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Listens to these streams, in place of those before. Does nothing in a browser without Web Audio. */
  start(streams: { input: MediaStream | undefined; output: MediaStream | undefined }): void {
    const { AudioContext } = this.#platform;
    if (!AudioContext) return;
    // iOS may close the context when the microphone opens.
    if (this.#context?.state === 'closed') this.stop();
    this.#context ??= new AudioContext();
    void this.#context.resume().catch(() => {});
    this.#tap('input', streams.input);
    this.#tap('output', streams.output);
    this.#timer ??= setInterval(() => this.#report(this.#read()), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#taps.clear();
    void this.#context?.close().catch(() => {});
    this.#context = undefined;
  }

  #tap(end: 'input' | 'output', stream: MediaStream | undefined): void {
    this.#taps.get(end)?.source.disconnect();
    this.#taps.delete(end);
    if (!stream || !this.#context) return;
    const source = this.#context.createMediaStreamSource(stream);
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    // Not connected to the destination: this only looks.
    source.connect(analyser);
    this.#taps.set(end, { source, analyser });
  }

  #read(): Level {
    const of = (end: 'input' | 'output'): number => {
      const analyser = this.#taps.get(end)?.analyser;
      if (!analyser) return 0;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return levelOf(samples);
    };
    return { input: of('input'), output: of('output') };
  }
}

/** Root mean square of samples as 0 (−60 dBFS or less) to 1 (full scale), linear in decibels. */
export function levelOf(samples: Float32Array): number {
  return Math.min(1, Math.max(0, 1 - decibels(samples) / FLOOR_DB));
}

/** Root mean square of samples in decibels below full scale; −∞ for silence. */
export function decibels(samples: Float32Array): number {
  const meanSquare = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  return 10 * Math.log10(meanSquare);
}
