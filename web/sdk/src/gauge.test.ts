import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Tuning } from './adaptation.js';
import { Gauge } from './gauge.js';
import { pass } from './testing/fake-platform.js';
import { forSeeds } from './testing/random.js';
import type { Bars, Quality, Sample } from './types.js';
import type { CallQuality } from './wire.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A gauge on a call whose other side sends 50 packets a second. */
function make() {
  const world = { flows: true, concealed: 0, isOnline: true, isOpen: true, fails: false };
  const seen: Quality[] = [];
  const reports: CallQuality[] = [];
  const told: Bars[] = [];
  const tunings: Tuning[] = [];
  const since = Date.now();
  let at = since;
  let [packets, played, made] = [0, 0, 0];
  const stats = async (): Promise<Sample> => {
    if (world.fails) throw new Error('closed');
    const seconds = (Date.now() - at) / 1000;
    at = Date.now();
    played += 48_000 * seconds;
    if (world.flows) packets += 50 * seconds;
    if (world.flows) made += 48_000 * seconds * world.concealed;
    const counters = { packetsReceived: packets, packetsLost: 0, packetsSent: 0, bytesReceived: 0, bytesSent: 0 };
    return { at, path: 'direct', ...counters, totalSamples: played, concealedSamples: made, rttMs: 20 };
  };
  const gauge = new Gauge({
    stats,
    isOnline: () => world.isOnline,
    tell: (bars) => world.isOpen && told.push(bars) > 0,
    onTuning: (tuning) => tunings.push(tuning),
    onQuality: (quality) => seen.push(quality),
    onReport: (report) => reports.push(report),
  });
  gauge.start();
  return { gauge, world, seen, reports, told, tunings };
}

test('the first picture comes after a second, and another one only when it changes; the figures are always new', async () => {
  const { gauge, world, seen } = make();
  await pass(900);
  expect([gauge.quality, seen]).toEqual([undefined, []]);
  await pass(9_000);
  expect(seen).toMatchObject([{ bars: 4, cause: 'none', sentence: '', path: 'direct', rttMs: 20 }]);
  world.concealed = 0.2;
  await pass(3_000);
  expect(seen.slice(1)).toMatchObject([{ bars: 1, cause: 'peer_network' }]);
  const before = gauge.quality?.mos;
  await pass(1_000);
  expect([seen.length, gauge.quality!.mos < before!]).toEqual([2, true]);
});

test('every 30 s there is a report', async () => {
  const { reports } = make();
  await pass(95_000);
  expect(reports.map(({ samples, poor }) => [samples, poor])).toEqual([[30, 0], [30, 0], [30, 0]]);
});

test('a call that becomes poor is reported at once, and so is one that is poor no more', async () => {
  const { world, reports } = make();
  await pass(10_000);
  world.concealed = 0.2;
  await pass(5_000);
  expect(reports).toMatchObject([{ samples: 13, poor: 3, cause: 'peer_network' }]);
  world.concealed = 0;
  await pass(5_000);
  expect(reports.slice(1)).toMatchObject([{ samples: 7, poor: 2 }]);
});

test('what was not reported yet is when the call is over, and then nothing more happens', async () => {
  const { gauge, reports } = make();
  await pass(12_000);
  gauge.stop();
  gauge.stop();
  expect(reports.map(({ samples }) => samples)).toEqual([12]);
  await pass(60_000);
  expect([reports.length, vi.getTimerCount()]).toEqual([1, 0]);
});

test('a call of under two seconds is not reported', async () => {
  const { gauge, reports } = make();
  await pass(1_900);
  gauge.stop();
  expect(reports).toEqual([]);
});

test('seconds in which nothing comes are judged by what comes after them', async () => {
  const { gauge, world, seen, reports } = make();
  await pass(5_000);
  world.flows = false;
  await pass(2_000);
  expect(seen).toHaveLength(1);
  world.flows = true;
  await pass(3_000);
  gauge.stop();
  expect(reports.map(({ samples }) => samples)).toEqual([10]);
});

test('an other side that sends nothing for long is not judged for it', async () => {
  const { gauge, world, seen, reports } = make();
  await pass(5_000);
  world.flows = false;
  await pass(1_000_000);
  world.flows = true;
  await pass(5_000);
  gauge.stop();
  expect([seen.length, reports.reduce((sum, { samples }) => sum + samples, 0)]).toEqual([1, 10]);
});

test('while the path is lost there is no bar, and each second counts with the lowest score', async () => {
  const { gauge, world, seen, reports } = make();
  await pass(5_000);
  world.flows = false;
  await pass(3_000);
  gauge.lost();
  expect(seen.at(-1)).toMatchObject({ bars: 0, cause: 'none' });
  world.isOnline = false;
  await pass(4_000);
  expect(seen.at(-1)).toMatchObject({ bars: 0, cause: 'own_network' });
  world.flows = true;
  gauge.back();
  await pass(1_000);
  expect(seen.at(-1)).toMatchObject({ bars: 1, sentence: '' });
  await pass(4_000);
  expect(seen.at(-1)).toMatchObject({ bars: 4, cause: 'none', sentence: '' });
  gauge.stop();
  expect(reports.reduce((sum, { samples }) => sum + samples, 0)).toBe(17);
  expect(reports.reduce((sum, { poor }) => sum + poor, 0)).toBe(7);
});

test('the other side is told how it is heard as soon as it can be, and then only what changed', async () => {
  const { world, told } = make();
  world.isOpen = false;
  await pass(2_000);
  world.isOpen = true;
  await pass(3_000);
  world.concealed = 0.2;
  await pass(3_000);
  expect(told).toEqual([4, 1]);
});

test('what the other side hears is part of the picture at once', async () => {
  const { gauge, seen } = make();
  gauge.heardThere(4);
  await pass(1_000);
  gauge.heardThere(2);
  expect(seen.map(({ bars, remoteBars, cause }) => [bars, remoteBars, cause])).toEqual([[4, 4, 'none'], [4, 2, 'own_network']]);
});

test('a tuning is there from the first moment, and each second', async () => {
  const { tunings } = make();
  expect(tunings).toEqual([{ red: false, bitrate: 32_000, bufferMs: null }]);
  await pass(3_000);
  expect(tunings).toHaveLength(4);
});

test('statistics that cannot be read are a second of which nothing is known', async () => {
  const { gauge, world, reports } = make();
  await pass(3_000);
  world.fails = true;
  await pass(2_000);
  world.fails = false;
  await pass(3_000);
  gauge.stop();
  expect(reports.map(({ samples }) => samples)).toEqual([6]);
});

test('whatever happens to the path, samples sum up to the seconds with sound or without', async () => {
  const seeds: (() => number)[] = [];
  forSeeds(40, (dice) => seeds.push(dice));
  for (const dice of seeds) {
    const { gauge, world, reports } = make();
    let isLost = false;
    let seconds = 0;
    for (let i = 0; i < 40; i += 1) {
      const roll = dice();
      world.concealed = dice() < 0.3 ? dice() : 0;
      if (isLost && roll < 0.3) {
        gauge.back();
        isLost = false;
      } else if (!isLost && roll < 0.1) {
        gauge.lost();
        isLost = true;
      }
      await pass(1_000);
      seconds += 1;
    }
    gauge.stop();
    expect(reports.reduce((sum, { samples }) => sum + samples, 0)).toBe(seconds);
  }
});
