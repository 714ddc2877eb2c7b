/** The public types of a preflight: what is asked for, what is told on the way, and the report. */

import type { DeviceOptions } from '../types.js';
import type { Finding } from './findings.js';
import type { VerdictCode } from './verdict.js';

/** What is checked, in the order of the report. */
export type CheckName =
  /** Whether the page is secure and the browser can make calls. */
  | 'browser'
  /** Permission, a device, and a level that moves. */
  | 'microphone'
  /** A tone, and whether the user heard it. */
  | 'speaker'
  /** The signaling socket. */
  | 'server'
  /** Whether UDP gets out and back, and what is known of the NAT. */
  | 'stun'
  /** The relay, over each transport on its own. */
  | 'relay-udp'
  | 'relay-tcp'
  | 'relay-tls';

/**
 * `ok`: as it should be. `warning`: calls work, but not as well as they could. `failed`: calls suffer or do not work.
 * `skipped`: not checked, and the message says why.
 */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

/**
 * What is known of the address translation between this browser and the STUN servers.
 *
 * `none`: the server sees the browser's own address. `one-port`: one port for all destinations, so direct calls usually
 * work. `many-ports`: another port for each destination ("symmetric"), so a direct call needs luck at the other end.
 * `some`: there is one; of which kind cannot be told from the answers.
 */
export type Nat = 'none' | 'one-port' | 'many-ports' | 'some';

/** What was measured; a member is absent where it was not. */
export interface Figures {
  /** Until the connection was there, milliseconds. */
  connectMs?: number;
  /**
   * Round-trip time, the median, milliseconds. Of a relay: from here through the relay to somebody who is as far from
   * it as this browser, and back, which is what two people in a call would have.
   */
  rttMs?: number;
  /** What 95 % of the round trips stayed below, milliseconds. */
  rttP95Ms?: number;
  /** How much the delay varied from packet to packet, on average, milliseconds. */
  jitterMs?: number;
  /** Share of packets that were lost on the way up to the relay and down again, 0 to 1. */
  loss?: number;
  /** How many packets were sent to find that out. */
  packets?: number;
  /** The loudest moment, decibels below full scale: 0 is full scale, a voice is about −30. */
  peakDb?: number;
  nat?: Nat;
  /** The address at which the server sees this browser, shortened: `203.0.113.…`. */
  address?: string;
}

export interface CheckResult {
  readonly name: CheckName;
  readonly status: CheckStatus;
  /** The stable name of what was found. */
  readonly finding: Finding;
  /** A sentence for the user. */
  readonly message: string;
  /** What to do about it, for the user; absent where nothing needs to be done. */
  readonly remedy?: string;
  readonly figures: Figures;
  /** The URL of the server that this is about. */
  readonly target?: string;
}

/** A check that goes on. Said when it begins, and again when what it needs of the user changes or it has heard something. */
export interface CheckRunning {
  readonly name: CheckName;
  readonly status: 'running';
  /**
   * What the user is asked for: to allow the microphone, to speak, or to say whether a tone is heard. Absent where
   * nothing is needed of them.
   */
  readonly ask?: 'permission' | 'speak' | 'listen';
  /** How loud the microphone is, as in `Level`. */
  readonly level?: number;
}

/** How it looks as a whole. `good`: calls work. `limited`: with limits. `bad`: they do not. `unknown`: it was stopped. */
export type Outlook = 'good' | 'limited' | 'bad' | 'unknown';

/** The whole, in one sentence. */
export interface Verdict {
  /** The stable name. */
  readonly code: VerdictCode;
  readonly outlook: Outlook;
  /** A sentence for the user. */
  readonly message: string;
  /** What to do about it; absent where nothing needs to be done. */
  readonly remedy?: string;
  /** What else is so, and matters less, as sentences. */
  readonly also: readonly string[];
}

/** Carries no secret, no credential and no full address of this browser. */
export interface PreflightReport {
  /** When it began, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly durationMs: number;
  readonly verdict: Verdict;
  /** One result for each check, in the order of {@link CheckName}. */
  readonly checks: readonly CheckResult[];
}

export interface PreflightOptions extends DeviceOptions {
  /** The microphone to check; default: the system's. */
  input?: string;
  /** The speaker to check, where the browser can choose one; default: the system's. */
  output?: string;
  /**
   * Asks the user whether they hear the tone that plays meanwhile. Left out, the speaker is not checked: nothing else
   * can tell. `signal` is aborted when the preflight is stopped.
   */
  heard?: (signal: AbortSignal) => Promise<boolean>;
  /** For how long packets pass each relay, milliseconds. Default 4000; shorter makes the figures coarse. */
  relayMs?: number;
}

export interface PreflightEvents {
  /** A check began, moved on, or ended. */
  progress: CheckRunning | CheckResult;
}
