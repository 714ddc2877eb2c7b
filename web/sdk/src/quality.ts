/**
 * How good one second of a call was, from two readings of the statistics. Pure.
 *
 * The score is a mean opinion score (ITU-T G.107 with its Annex B), from the delay and from the sound that was missing. Sound
 * is missing where the browser had to make some up: not where a packet was lost, since error correction brings most of those
 * back, and not where the other side is silent and sends little (DTX).
 *
 * Not here: bars (`rating.ts`), who is to blame (`cause.ts`), what is reported (`tally.ts`), what is done about it
 * (`adaptation.ts`).
 */

import { callPathOf } from './stats.js';
import type { CallPath, Sample } from './types.js';

/** One packet of sound, as browsers send it: 20 ms at 48 kHz. */
const PACKET_SAMPLES = 960;
/** Capture, encoding and playback, milliseconds. */
const DEVICES_MS = 20;
/** G.107: the rating of a call without a fault. */
const R_MAX = 93.2;
/** G.107 §7.4: from here on delay hurts, milliseconds. */
const DELAY_HURTS_MS = 177.3;
/** How robust Opus is against missing sound, and its share that hurts half as much as can be, percent. */
const ROBUSTNESS = 10;

/** The lowest score: nothing is heard at all. */
export const MOS_MIN = 1;

/** What was heard in a second; in several, if nothing came in those before. Shares are from 0 to 1. */
export interface Moment {
  seconds: number;
  mos: number;
  /** What delay and what missing sound took from the rating, of 93.2. */
  slowness: number;
  gaps: number;
  /** Played sound that was missing, and all of it, in samples. */
  missing: number;
  played: number;
  /** The other side's packets that did not arrive, and all of them. */
  lost: number;
  sent: number;
  remoteLost: number | undefined;
  rttMs: number | undefined;
  jitterMs: number | undefined;
  path: CallPath;
  codec: string | undefined;
}

/**
 * What was heard from `before` to `after`, which are `seconds` apart; `undefined` if nothing came in between, which says
 * nothing by itself: compare with a later reading then.
 */
export function momentOf(before: Sample, after: Sample, seconds = 1): Moment | undefined {
  const since = (name: keyof Sample): number =>
    Math.max(0, Number(after[name] ?? 0) - Number(before[name] ?? 0));
  const received = since('packetsReceived');
  if (received === 0) return undefined;
  const lost = since('packetsLost');
  const sent = received + lost;
  const silent = since('silentConcealedSamples');
  // Silence that was made up is missing sound only where a packet was to be.
  const missing = Math.max(0, since('concealedSamples') - silent) + Math.min(silent, lost * PACKET_SAMPLES);
  const played = since('totalSamples');
  const share = played > 0 ? Math.min(1, missing / played) : after.totalSamples === undefined ? lost / sent : 0;
  const buffered = since('bufferSamples');
  const bufferMs = buffered > 0 ? (1000 * since('bufferDelayS')) / buffered : 0;
  return {
    seconds,
    ...opinion({ missing: share, delayMs: (after.rttMs ?? 0) / 2 + bufferMs + DEVICES_MS }),
    missing: Math.min(missing, played),
    played,
    lost,
    sent,
    remoteLost: after.remoteFractionLost,
    rttMs: after.rttMs,
    jitterMs: after.jitterMs,
    path: callPathOf(after),
    codec: after.codec,
  };
}

/** The score, and what took from it. `missing` is a share, `delayMs` is from mouth to ear. */
export function opinion({ missing, delayMs }: { missing: number; delayMs: number }): Pick<Moment, 'mos' | 'slowness' | 'gaps'> {
  const percent = 100 * missing;
  // Cole and Rosenbluth's fit of G.107's delay impairment, and G.107 eq. 7-29 for an encoder without impairment.
  const slowness = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - DELAY_HURTS_MS);
  const gaps = (95 * percent) / (percent + ROBUSTNESS);
  const r = Math.min(R_MAX, Math.max(0, R_MAX - slowness - gaps));
  return { mos: Math.max(MOS_MIN, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)), slowness, gaps };
}
