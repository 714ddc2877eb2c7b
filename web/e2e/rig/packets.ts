/** What can be told from a series of packet counts. */
import type { Reading } from './probe.js';

/** The longest time, in milliseconds, in which packets were counted and no new one was there. */
export function longestSilence(readings: readonly Reading[], since = 0, to = Infinity): number {
  let longest = 0;
  let first: Reading | undefined;
  for (const reading of readings) {
    if (reading.at < since || reading.at > to) continue;
    if (!first || reading.packets !== first.packets) first = reading;
    longest = Math.max(longest, reading.at - first.at);
  }
  return longest;
}

/** How long after `moment` the first new packet was counted; `undefined` if none was. */
export function firstPacketAfter(readings: readonly Reading[], moment: number): number | undefined {
  const before = readings.findLast(({ at }) => at <= moment);
  const after = readings.find(({ at, packets }) => at > moment && packets > (before?.packets ?? 0));
  return after && after.at - moment;
}
