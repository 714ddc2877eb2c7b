import { expect, test } from 'vitest';
import { momentOf, opinion } from './quality.js';
import type { Sample } from './types.js';

/** A reading after `seconds` of a call without a fault, changed by `more`. */
function reading(seconds: number, more: Partial<Sample> = {}): Sample {
  return {
    at: 1000 * seconds,
    path: 'direct',
    packetsReceived: 50 * seconds,
    packetsLost: 0,
    packetsSent: 50 * seconds,
    bytesReceived: 0,
    bytesSent: 0,
    concealedSamples: 0,
    silentConcealedSamples: 0,
    totalSamples: 48_000 * seconds,
    bufferDelayS: 0.04 * 48_000 * seconds,
    bufferSamples: 48_000 * seconds,
    rttMs: 20,
    ...more,
  };
}

const mosOf = (more: Partial<Sample>) => momentOf(reading(1), reading(2, more))?.mos;

test('scores are those of the formula', () => {
  const mos = (missing: number, rttMs: number, bufferMs: number) =>
    opinion({ missing, delayMs: rttMs / 2 + bufferMs + 20 }).mos;
  // Worked out by hand from G.107 and its Annex B.
  expect(mos(0, 20, 40)).toBeCloseTo(4.37, 2);
  expect(mos(0.01, 400, 80)).toBeCloseTo(3.3, 2);
  expect(mos(0.177, 84, 30)).toBeCloseTo(1.62, 2);
  expect(mos(0.017, 84, 60)).toBeCloseTo(3.88, 2);
  expect(mos(1, 2_000, 0)).toBe(1);
});

test('a second without a fault is near the best score', () => {
  expect(mosOf({})).toBeCloseTo(4.37, 2);
});

test('sound that was made up counts, and a lost packet that was repaired does not', () => {
  expect(mosOf({ packetsReceived: 90, packetsLost: 10 })).toBeCloseTo(4.37, 2);
  expect(mosOf({ concealedSamples: 2_400 })).toBeLessThan(3.2);
});

test('silence of the other side is no fault', () => {
  // Five packets a second, and comfort noise in between.
  expect(mosOf({ packetsReceived: 55, concealedSamples: 40_000, silentConcealedSamples: 40_000 })).toBeCloseTo(4.37, 2);
});

test('made up silence in the place of lost packets is missing sound', () => {
  const gap = { packetsReceived: 60, packetsLost: 40, concealedSamples: 38_400, silentConcealedSamples: 30_000 };
  const moment = momentOf(reading(1), reading(2, gap));
  expect([moment?.missing, moment?.played]).toEqual([38_400, 48_000]);
  expect(moment?.mos).toBeCloseTo(1, 1);
});

test('a second in which nothing came says nothing by itself', () => {
  expect(momentOf(reading(1), reading(2, { packetsReceived: 50 }))).toBeUndefined();
});

test('delay counts, and is told apart from missing sound', () => {
  const slow = momentOf(reading(1), reading(2, { rttMs: 1_000 }));
  expect(slow?.mos).toBeLessThan(3);
  expect(slow!.slowness).toBeGreaterThan(slow!.gaps);
});

test('a browser that tells nothing of made up sound is judged by its losses', () => {
  const { concealedSamples: _a, silentConcealedSamples: _b, totalSamples: _c, ...known } = reading(2, { packetsLost: 10 });
  expect(momentOf(reading(1), known)?.mos).toBeLessThan(2);
});

test('counters that begin anew are no negative figures', () => {
  const moment = momentOf(reading(9), { ...reading(1), packetsReceived: 500 });
  expect([moment?.lost, moment?.missing, moment?.played]).toEqual([0, 0, 0]);
});
