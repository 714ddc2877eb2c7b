/**
 * What is to blame for a poor call, and how to say it. Pure.
 *
 * Both sides know what either hears: each tells the other over `ctl`. What is lost on the way from A to B is lost in A's
 * network or in B's, and the packets do not say where. It mostly is the sender's, since the way up is the narrow one, and
 * both sides then blame the same network. If it is lost both ways, nobody can tell whose network it is; each blames its own
 * in its report, and tells its user both.
 */

import type { Bars, CallPath, Cause } from './types.js';

/** So few bars are a poor call. */
export const POOR_BARS = 2;
/** Less than this is nothing to complain of, also while the bars are still low: the trouble is over. */
const GAPPY = 10;
/** More than a buffer that was made longer can be. */
const SLOW = 20;
/** If the other side does not say how it hears: so many of our packets lost are poor, 0 to 1. */
const POOR_LOSS = 0.05;

export interface Situation {
  bars: Bars;
  /** How the other side hears us, if it says so. */
  remoteBars: Bars | undefined;
  /** The share of our packets that it did not get. */
  remoteLost: number | undefined;
  /** What delay and what missing sound take from the rating here (`quality.ts`). */
  slowness: number;
  gaps: number;
  path: CallPath;
  /** Whether the server can be reached. */
  isOnline: boolean;
}

export interface Blame {
  cause: Cause;
  /** For the user; empty when nothing is wrong. */
  sentence: string;
}

const NOTHING: Blame = { cause: 'none', sentence: '' };

const GONE: Blame = {
  cause: 'own_network',
  sentence: 'Neither the other side nor the server can be reached. It is probably your network.',
};
const WAY_IN: Blame = {
  cause: 'peer_network',
  sentence: 'Packets are lost or late on the way to you, probably in the other side’s network.',
};
const WAY_OUT: Blame = {
  cause: 'own_network',
  sentence: 'The other side hears you badly: packets are lost or late on the way, probably in your network.',
};
const BOTH_WAYS: Blame = {
  cause: 'own_network',
  sentence: 'Packets are lost or late both ways. It may be your network or the other side’s.',
};
const LONG_RELAY: Blame = { cause: 'relay', sentence: 'The way through the relay is long, so words come late.' };
/** Nobody's fault. */
const LONG: Blame = { cause: 'none', sentence: 'The way to the other side is long, so words come late.' };

export function blame(now: Situation): Blame {
  if (now.bars === 0) return now.isOnline ? NOTHING : GONE;
  const isPoor = now.bars <= POOR_BARS;
  if (isPoor && now.slowness >= SLOW && now.slowness > now.gaps) return now.path.startsWith('relay') ? LONG_RELAY : LONG;
  const here = isPoor && now.gaps >= GAPPY;
  const there = now.remoteBars === undefined ? (now.remoteLost ?? 0) >= POOR_LOSS : now.remoteBars <= POOR_BARS;
  if (here && there) return BOTH_WAYS;
  if (here) return WAY_IN;
  return there ? WAY_OUT : NOTHING;
}
