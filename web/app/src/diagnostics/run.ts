/**
 * One run after the other: owns the preflight and keeps the snapshot that the page shows. It knows no DOM.
 */
import { Device, type CheckName, type CheckResult, type CheckRunning, type PreflightOptions, type PreflightReport } from '@tincan/sdk';
import type { Snapshot } from './model.js';

type Told = CheckRunning | CheckResult;

/** The part of `Preflight` that is used, so that the preview in dev/ can bring one of its own. */
export interface Running {
  readonly done: Promise<PreflightReport>;
  on(event: 'progress', listener: (told: Told) => void): unknown;
  stop(): void;
}

export interface RunEvents {
  readonly onChange: (snapshot: Snapshot) => void;
  /** A check began to ask for something, or ended. */
  readonly onTold: (told: Told) => void;
}

export class Run {
  readonly #begin: (options: Pick<PreflightOptions, 'heard'>) => Running;
  readonly #events: RunEvents;
  readonly #checks = new Map<CheckName, Told>();
  #preflight: Running | undefined;
  #report: PreflightReport | undefined;
  #hear: ((heard: boolean) => void) | undefined;

  constructor(options: PreflightOptions, events: RunEvents, begin = (more: PreflightOptions): Running => Device.preflight(more)) {
    this.#begin = (more) => begin({ ...options, ...more });
    this.#events = events;
  }

  get report(): PreflightReport | undefined {
    return this.#report;
  }

  get running(): boolean {
    return this.#preflight !== undefined;
  }

  /** Call in a click handler: the microphone opens and a tone plays. */
  start(): void {
    if (this.#preflight) return;
    this.#checks.clear();
    this.#report = undefined;
    const preflight = (this.#preflight = this.#begin({ heard: () => new Promise((resolve) => (this.#hear = resolve)) }));
    preflight.on('progress', (told) => {
      const before = this.#checks.get(told.name);
      this.#checks.set(told.name, told);
      if (told.status !== 'running' || (told.ask && !(before?.status === 'running' && before.ask === told.ask))) this.#events.onTold(told);
      this.#changed();
    });
    void preflight.done.then((report) => {
      this.#preflight = undefined;
      this.#hear = undefined;
      this.#report = report;
      this.#changed();
    });
    this.#changed();
  }

  stop(): void {
    this.#preflight?.stop();
  }

  /** The user's reply to the question about the tone. */
  heard(heard: boolean): void {
    this.#hear?.(heard);
  }

  #changed(): void {
    this.#events.onChange({ checks: this.#checks, running: this.running, ...(this.#report ? { report: this.#report } : {}) });
  }
}
