/** Adds up seconds of a call into the reports that the server keeps. Pure. */

import type { Moment } from './quality.js';
import type { CallPath, Cause } from './types.js';
import type { CallQuality } from './wire.js';

/** A call of fewer seconds is not worth a report. */
const SECONDS_MIN = 2;
const POOR_MOS = 3;
const PPM = 1_000_000;
/** The server takes no number above. */
const MS_MAX = 60_000;

/** A sum of values and of their weights. */
class Mean {
  #sum = 0;
  #weight = 0;

  add(sum: number | undefined, weight: number): void {
    if (sum === undefined) return;
    this.#sum += sum;
    this.#weight += weight;
  }

  /** Scaled and rounded, and at most `max`; `undefined` if nothing was added. */
  get(scale: number, max: number): number | undefined {
    return this.#weight > 0 ? Math.min(max, Math.round((scale * this.#sum) / this.#weight)) : undefined;
  }
}

/** The seconds since the last report. */
class Sums {
  seconds = 0;
  mosMin = Infinity;
  poor = 0;
  path: CallPath = 'unknown';
  cause: Cause = 'none';
  readonly mos = new Mean();
  readonly concealed = new Mean();
  readonly lost = new Mean();
  readonly remoteLost = new Mean();
  readonly rtt = new Mean();
  readonly jitter = new Mean();
}

export class Tally {
  #now = new Sums();
  #seconds = 0;

  /** Adds what was heard. */
  add(moment: Moment, cause: Cause): void {
    const { seconds, remoteLost, rttMs, jitterMs } = moment;
    const now = this.#now;
    this.#score(moment.mos, seconds, cause);
    if (moment.path !== 'unknown') now.path = moment.path;
    now.concealed.add(moment.missing, moment.played);
    now.lost.add(moment.lost, moment.sent);
    now.remoteLost.add(remoteLost && remoteLost * seconds, seconds);
    now.rtt.add(rttMs && rttMs * seconds, seconds);
    now.jitter.add(jitterMs && jitterMs * seconds, seconds);
  }

  /** Adds seconds in which the path was lost, of which nothing but a score is known. */
  addLost(mos: number, seconds: number, cause: Cause): void {
    this.#score(mos, seconds, cause);
  }

  /** The report on the seconds since the last one; `undefined` if there is nothing to report. */
  take(): CallQuality | undefined {
    const now = this.#now;
    if (now.seconds === 0 || this.#seconds < SECONDS_MIN) return undefined;
    this.#now = new Sums();
    const known: Partial<CallQuality> = {};
    const take = (name: 'concealed_ppm' | 'lost_ppm' | 'remote_lost_ppm' | 'rtt_ms' | 'jitter_ms', value: number | undefined) => {
      if (value !== undefined) known[name] = value;
    };
    take('concealed_ppm', now.concealed.get(PPM, PPM));
    take('lost_ppm', now.lost.get(PPM, PPM));
    take('remote_lost_ppm', now.remoteLost.get(PPM, PPM));
    take('rtt_ms', now.rtt.get(1, MS_MAX));
    take('jitter_ms', now.jitter.get(1, MS_MAX));
    return {
      samples: now.seconds,
      mos: now.mos.get(100, 450)!,
      mos_min: Math.round(100 * now.mosMin),
      poor: now.poor,
      ...known,
      path: now.path,
      cause: now.cause,
    };
  }

  #score(mos: number, seconds: number, cause: Cause): void {
    if (seconds === 0) return;
    const now = this.#now;
    this.#seconds += seconds;
    now.seconds += seconds;
    now.mos.add(mos * seconds, seconds);
    now.mosMin = Math.min(now.mosMin, mos);
    if (mos < POOR_MOS) now.poor += seconds;
    if (cause !== 'none') now.cause = cause;
  }
}
