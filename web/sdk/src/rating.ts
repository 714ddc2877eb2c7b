/**
 * From single seconds to what is shown: smooth figures, and bars that do not flap. Pure.
 *
 * Of the last five seconds three bad ones take the bars down, and five good ones take them up again. That is: the bars
 * stay between the worst and the middle one of the five.
 */

import { MOS_MIN } from './quality.js';
import type { Moment } from './quality.js';
import type { Bars } from './types.js';

/** From this score on, a second is worth so many bars. */
const WORTH: readonly [mos: number, bars: Bars][] = [
  [4, 4],
  [3.6, 3],
  [3, 2],
];
const SECONDS = 5;
/** An exponential mean that forgets about as fast as a plain one over five seconds. */
const WEIGHT = 2 / (SECONDS + 1);

type Rated = Pick<Moment, 'seconds' | 'mos' | 'slowness' | 'gaps' | 'lost' | 'sent'>;
type Smooth = Pick<Moment, 'mos' | 'slowness' | 'gaps' | 'lost'>;

export class Rating {
  #bars: Bars = 4;
  #latest: Bars[] = Array<Bars>(SECONDS).fill(4);
  #smooth: Smooth | undefined;

  get bars(): Bars {
    return this.#bars;
  }

  /** The mean opinion score; the lowest before the first second. */
  get mos(): number {
    return this.#smooth?.mos ?? MOS_MIN;
  }

  /** The share of packets that did not arrive, 0 to 1. */
  get lost(): number {
    return this.#smooth?.lost ?? 0;
  }

  /** What takes from the score; nothing that was heard does while the path is lost. */
  get impairments(): { slowness: number; gaps: number } {
    return this.#smooth ?? { slowness: 0, gaps: 0 };
  }

  add({ seconds, mos, slowness, gaps, lost, sent }: Rated): void {
    // Sound is back after a loss: it has to prove itself.
    if (this.#bars === 0) this.#restart(1);
    for (let i = 0; i < seconds; i += 1) {
      this.#blend({ mos, slowness, gaps, lost: lost / sent });
      this.#latest = [...this.#latest.slice(1), worth(mos)];
      const sorted = [...this.#latest].sort((a, b) => a - b);
      const worst = sorted[0]!;
      const middle = sorted[SECONDS >> 1]!;
      this.#bars = Math.max(worst, Math.min(middle, this.#bars)) as Bars;
    }
  }

  /** The path is lost: nothing is heard until it is back. */
  fail(seconds: number): void {
    for (let i = 0; i < seconds; i += 1) this.#blend({ mos: MOS_MIN, slowness: 0, gaps: 0, lost: 1 });
    this.#smooth = { mos: this.mos, slowness: 0, gaps: 0, lost: this.lost };
    this.#restart(0);
  }

  #blend(now: Smooth): void {
    const before = this.#smooth ?? now;
    const mean = (name: keyof Smooth): number => before[name] + WEIGHT * (now[name] - before[name]);
    this.#smooth = { mos: mean('mos'), slowness: mean('slowness'), gaps: mean('gaps'), lost: mean('lost') };
  }

  #restart(bars: Bars): void {
    this.#bars = bars;
    this.#latest.fill(bars);
  }
}

function worth(mos: number): Bars {
  return WORTH.find(([from]) => mos >= from)?.[1] ?? 1;
}
