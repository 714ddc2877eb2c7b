/** What a stream of numbered packets tells about a way: loss, round trip, jitter. Pure. */

import type { Figures } from './types.js';

/** When one packet was seen, milliseconds on one clock. Absent: never. */
export interface Packet {
  sentAt: number;
  arrivedAt?: number;
  /** When the far end's reply was back. */
  backAt?: number;
}

export type Passage = Required<Pick<Figures, 'packets' | 'loss'>> & Pick<Figures, 'rttMs' | 'rttP95Ms' | 'jitterMs'>;

export function passageOf(packets: readonly Packet[]): Passage {
  const arrived = packets.filter((packet) => packet.arrivedAt !== undefined);
  const trips = packets.flatMap(({ sentAt, backAt }) => (backAt === undefined ? [] : [backAt - sentAt]));
  const jitter = jitterOf(packets);
  return {
    packets: packets.length,
    loss: packets.length === 0 ? 0 : 1 - arrived.length / packets.length,
    ...(trips.length > 0 && { rttMs: quantile(trips, 0.5), rttP95Ms: quantile(trips, 0.95) }),
    ...(jitter !== undefined && { jitterMs: jitter }),
  };
}

/** The value that a share of `values` does not exceed (the nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** The mean of |D| of RFC 3550 §6.4.1: how much the time on the way differs from one packet that arrived to the next. */
function jitterOf(packets: readonly Packet[]): number | undefined {
  const transits = packets
    .flatMap(({ sentAt, arrivedAt }) => (arrivedAt === undefined ? [] : [{ arrivedAt, transit: arrivedAt - sentAt }]))
    .sort((a, b) => a.arrivedAt - b.arrivedAt)
    .map(({ transit }) => transit);
  if (transits.length < 2) return undefined;
  let sum = 0;
  for (let i = 1; i < transits.length; i += 1) sum += Math.abs(transits[i]! - transits[i - 1]!);
  return sum / (transits.length - 1);
}
