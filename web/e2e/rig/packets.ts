/** What can be told from a series of packet counts. */
import type { Reading } from './probe.js';

export interface Silence {
  /** For so long it is certain: readings that far apart counted the same packets. */
  readonly sure: number;
  /** It cannot have been longer: a reading with new packets came that long after the one before. */
  readonly atMost: number;
}

/** The longest silence since a moment, in milliseconds. */
export function longestSilence(readings: readonly Reading[], since: number): Silence {
  let [sure, atMost] = [0, 0];
  let first: Reading | undefined;
  for (const reading of readings.filter(({ at }) => at >= since)) {
    if (!first || reading.packets > first.packets) {
      if (first) atMost = Math.max(atMost, reading.at - first.at);
      first = reading;
    }
    sure = Math.max(sure, reading.at - first.at);
  }
  return { sure, atMost: Math.max(atMost, sure) };
}

/** How long after `moment` the first new packet was counted; `undefined` if none was. */
export function firstPacketAfter(readings: readonly Reading[], moment: number): number | undefined {
  const before = readings.findLast(({ at }) => at <= moment);
  const after = readings.find(({ at, packets }) => at > moment && packets > (before?.packets ?? 0));
  return after && after.at - moment;
}
