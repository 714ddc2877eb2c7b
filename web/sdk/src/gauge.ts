/**
 * Reads the statistics each second while a call has sound, and brings what it reads to whom it concerns: the bars and their
 * cause to the user, the bars to the other side, reports to the server, and what could be done about it to the tuner.
 *
 * Not here: every judgement. The score is in `quality.ts`, the bars in `rating.ts`, the cause in `cause.ts`, the sums in
 * `tally.ts`, what to do in `adaptation.ts`. When the path is lost and back is the watchdog's word (`watchdog.ts`).
 */

import { Adaptation } from './adaptation.js';
import type { Tuning } from './adaptation.js';
import { blame, POOR_BARS } from './cause.js';
import { momentOf, MOS_MIN } from './quality.js';
import type { Moment } from './quality.js';
import { Rating } from './rating.js';
import { Tally } from './tally.js';
import type { Bars, Cause, Quality, Sample } from './types.js';
import type { CallQuality } from './wire.js';

const SECOND_MS = 1_000;
const REPORT_EVERY_S = 30;
/** The other side sends nothing for so long, and the path is there: it does not want to, and there is nothing to judge. */
const UNTOLD_MAX_S = 5;

interface GaugeOptions {
  stats: () => Promise<Sample>;
  /** Whether the server can be reached. */
  isOnline: () => boolean;
  /** Tells the other side how it is heard here. Returns whether it could be told. */
  tell: (bars: Bars) => boolean;
  onTuning: (tuning: Tuning) => void;
  onQuality: (quality: Quality) => void;
  onReport: (report: CallQuality) => void;
}

export class Gauge {
  readonly #options: GaugeOptions;
  readonly #rating = new Rating();
  readonly #tally = new Tally();
  readonly #adaptation = new Adaptation();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isReading = false;
  #isLost = false;
  #before: Sample | undefined;
  /** Seconds in which nothing came, of which the next reading will tell. */
  #untold = 0;
  #latest: Moment | undefined;
  #sinceReport = 0;
  #remoteBars: Bars | undefined;
  #told: Bars | undefined;
  #quality: Quality | undefined;

  constructor(options: GaugeOptions) {
    this.#options = options;
  }

  /** `undefined` before the first second. */
  get quality(): Quality | undefined {
    return this.#quality;
  }

  /** Sound is there for the first time. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#tick(), SECOND_MS);
    this.#options.onTuning(this.#adaptation.tuning);
    void this.#read();
  }

  /** The call is over: what was not reported yet is. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#report();
  }

  /** The path is lost. */
  lost(): void {
    this.#isLost = true;
    this.#fail(this.#untold);
  }

  /** It is back. */
  back(): void {
    this.#isLost = false;
    // What was counted meanwhile belongs to the loss.
    this.#before = undefined;
    void this.#read();
  }

  /** The other side says how it hears us. */
  heardThere(bars: Bars): void {
    this.#remoteBars = bars;
    if (this.#quality) this.#judge();
  }

  async #tick(): Promise<void> {
    if (this.#isLost) this.#fail(1);
    else if (!this.#isReading) await this.#read();
    if (this.#timer === undefined) return;
    this.#sinceReport += 1;
    if (this.#sinceReport >= REPORT_EVERY_S) this.#report();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    const sample = await this.#options.stats().catch(() => undefined);
    this.#isReading = false;
    if (!sample || this.#isLost || this.#timer === undefined) return;
    const before = this.#before;
    if (!before) return void (this.#before = sample);
    this.#untold += 1;
    const moment = momentOf(before, sample, this.#untold);
    if (!moment && this.#untold < UNTOLD_MAX_S) return;
    this.#before = sample;
    this.#untold = 0;
    if (moment) this.#heard(moment);
  }

  #heard(moment: Moment): void {
    this.#latest = moment;
    this.#count(() => {
      this.#rating.add(moment);
      this.#tally.add(moment, this.#judge());
    });
    this.#options.onTuning(this.#adaptation.add(moment));
    const { bars } = this.#rating;
    if (this.#told !== bars && this.#options.tell(bars)) this.#told = bars;
  }

  #fail(seconds: number): void {
    this.#untold = 0;
    this.#count(() => {
      this.#rating.fail(seconds);
      this.#tally.addLost(MOS_MIN, seconds, this.#judge());
    });
  }

  /** Counts seconds, and reports at once if they make the call a poor one, or one that is poor no more. */
  #count(seconds: () => void): void {
    const wasPoor = this.#rating.bars <= POOR_BARS;
    seconds();
    if (wasPoor !== this.#rating.bars <= POOR_BARS) this.#report();
  }

  /** Makes the picture of this second, and shows it if it is another one than before. */
  #judge(): Cause {
    const { bars, mos, lost, impairments } = this.#rating;
    const { path = 'unknown', remoteLost, rttMs, codec } = this.#latest ?? {};
    const remoteBars = this.#remoteBars;
    const { cause, sentence } = blame({ bars, remoteBars, remoteLost, ...impairments, path, isOnline: this.#options.isOnline() });
    const before = this.#quality;
    const now = { bars, remoteBars, mos, cause, sentence, path, rttMs, lost, codec };
    this.#quality = now;
    // The sentence says everything that the cause does.
    if (before?.bars !== bars || before.remoteBars !== remoteBars || before.sentence !== sentence) this.#options.onQuality(now);
    return cause;
  }

  #report(): void {
    this.#sinceReport = 0;
    const report = this.#tally.take();
    if (report) this.#options.onReport(report);
  }
}
