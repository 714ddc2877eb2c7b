/** What every check gets, and what it gives back. */

import type { AudioDevices } from '../audio-devices.js';
import type { Platform } from '../platform.js';
import type { Finding } from './findings.js';
import type { CheckRunning, Figures, PreflightOptions } from './types.js';

export interface CheckContext {
  readonly options: PreflightOptions;
  readonly platform: Platform;
  /** Opens microphones and plays sound exactly as a call does. */
  readonly audio: AudioDevices;
  /** Aborted when the preflight is stopped. Whatever a check has opened it closes then, as it does at its end. */
  readonly signal: AbortSignal;
  /** Tells that the check moved on. */
  readonly say: (progress: Pick<CheckRunning, 'ask' | 'level'>) => void;
}

export interface Outcome {
  finding: Finding;
  figures?: Figures;
  target?: string;
}

/** Rejects with `aborted` if the preflight was stopped, and else with what the browser or the network did. */
export type Check = (context: CheckContext) => Promise<Outcome>;
