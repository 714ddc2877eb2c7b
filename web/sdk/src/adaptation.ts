/**
 * What is done about a bad network, from second to second. Pure: `tuner.ts` does it.
 *
 * - **RED** (RFC 2198: each packet carries the one before as well) while the other side loses our packets. It doubles what is
 *   sent, and one lost packet is no gap any more.
 * - **Fewer bits** while the way out is too narrow: packets are lost and the round trip grows, because a queue is full; or so
 *   many are lost that sending twice as much is part of the trouble. Sound that is lost for another reason keeps its bits.
 * - **A longer buffer** where packets arrive, but too late to be played. It costs delay, so it is given up again.
 *
 * Error correction inside Opus is always on, and costs next to nothing.
 */

import type { Moment } from './quality.js';

export interface Tuning {
  red: boolean;
  /** Bits of sound per second, without what RED adds. */
  bitrate: number;
  /** How long sound waits for packets that are late, milliseconds; `null`: as the browser decides. */
  bufferMs: number | null;
}

/** From good to bad. Opus is transparent for speech at 32 kbit/s, and still wide at 16. */
const BITRATES: readonly number[] = [32_000, 24_000, 16_000];
const RED_ON = { lost: 0.02, seconds: 5 };
const RED_OFF = { lost: 0.005, seconds: 30 };
/** A queue that is full adds this much to the shortest round trip of the call, milliseconds. */
const QUEUE_MS = 100;
/** Two reports of the other side at least, so that one that was late by itself is no queue. */
const CONGESTED_S = 10;
const FLOODED = { lost: 0.2, seconds: 10 };
const CALM_S = 30;
/** So much of a second that arrived and could not be played is a burst, 0 to 1. */
const BURST = 0.02;
/** So many bursts lengthen the buffer, and so many lengthen it again. */
const BUFFERS: readonly [bursts: number, ms: number][] = [
  [6, 200],
  [3, 100],
];
const GOOD_S = 60;

/** For how many seconds in a row something has been so. */
class Streak {
  seconds = 0;

  add(isSo: boolean, seconds: number): number {
    return (this.seconds = isSo ? this.seconds + seconds : 0);
  }
}

export class Adaptation {
  #red = false;
  #step = 0;
  #bursts = 0;
  #shortestMs = Infinity;
  readonly #lossy = new Streak();
  readonly #clean = new Streak();
  readonly #congested = new Streak();
  readonly #flooded = new Streak();
  readonly #calm = new Streak();
  readonly #smooth = new Streak();

  get tuning(): Tuning {
    const bufferMs = BUFFERS.find(([bursts]) => this.#bursts >= bursts)?.[1] ?? null;
    return { red: this.#red, bitrate: BITRATES[this.#step]!, bufferMs };
  }

  /** Takes what was heard, and what the other side said of us. */
  add(moment: Moment): Tuning {
    this.#listen(moment);
    const { remoteLost } = moment;
    if (remoteLost !== undefined) this.#speak(remoteLost, moment);
    return this.tuning;
  }

  /** How we send. */
  #speak(lost: number, { seconds, rttMs }: Moment): void {
    if (this.#lossy.add(lost > RED_ON.lost, seconds) >= RED_ON.seconds) this.#red = true;
    if (this.#clean.add(lost < RED_OFF.lost, seconds) >= RED_OFF.seconds) this.#red = false;
    this.#shortestMs = Math.min(this.#shortestMs, rttMs ?? Infinity);
    const isQueued = (rttMs ?? 0) > this.#shortestMs + QUEUE_MS;
    const congested = this.#congested.add(isQueued && lost > RED_ON.lost, seconds) >= CONGESTED_S;
    const flooded = this.#flooded.add(lost > FLOODED.lost, seconds) >= FLOODED.seconds;
    if (congested || flooded) this.#turn(1);
    else if (this.#calm.add(!isQueued && lost < RED_ON.lost, seconds) >= CALM_S) this.#turn(-1);
  }

  /** One step to fewer or more bits; what led to it has to happen anew for the next one. */
  #turn(by: 1 | -1): void {
    this.#step = Math.min(BITRATES.length - 1, Math.max(0, this.#step + by));
    for (const streak of [this.#congested, this.#flooded, this.#calm]) streak.seconds = 0;
  }

  /** How we receive. */
  #listen({ seconds, missing, played, lost, sent }: Moment): void {
    const late = (played > 0 ? missing / played : 0) - lost / sent;
    if (late > BURST) this.#bursts += 1;
    if (this.#smooth.add(late <= BURST, seconds) >= GOOD_S) this.#bursts = 0;
  }
}
