import { expect, test } from 'vitest';
import type { Moment } from './quality.js';
import { Tally } from './tally.js';
import { forSeeds } from './testing/random.js';

const moment = (more: Partial<Moment> = {}): Moment => ({
  seconds: 1,
  mos: 4.2,
  slowness: 2,
  gaps: 1,
  missing: 48,
  played: 48_000,
  lost: 1,
  sent: 50,
  remoteLost: 0.01,
  rttMs: 40.4,
  jitterMs: 3.6,
  path: 'direct',
  codec: 'opus',
  ...more,
});

test('a report has whole numbers: hundredths of a score, millionths of a share, milliseconds', () => {
  const tally = new Tally();
  for (let i = 0; i < 30; i += 1) tally.add(moment(), 'none');
  expect(tally.take()).toEqual({
    samples: 30,
    mos: 420,
    mos_min: 420,
    poor: 0,
    concealed_ppm: 1_000,
    lost_ppm: 20_000,
    remote_lost_ppm: 10_000,
    rtt_ms: 40,
    jitter_ms: 4,
    path: 'direct',
    cause: 'none',
  });
});

test('what the browser does not tell is left out', () => {
  const tally = new Tally();
  const unknown = { remoteLost: undefined, rttMs: undefined, jitterMs: undefined, played: 0, missing: 0, path: 'unknown' } as const;
  for (let i = 0; i < 2; i += 1) tally.add(moment(unknown), 'none');
  expect(tally.take()).toEqual({ samples: 2, mos: 420, mos_min: 420, poor: 0, lost_ppm: 20_000, path: 'unknown', cause: 'none' });
});

test('a lost path counts with the lowest score, and the last cause and the last known path are kept', () => {
  const tally = new Tally();
  tally.add(moment({ path: 'relay_tcp' }), 'relay');
  tally.add(moment({ path: 'unknown' }), 'none');
  tally.addLost(1, 2, 'own_network');
  expect(tally.take()).toMatchObject({ samples: 4, mos: 260, mos_min: 100, poor: 2, path: 'relay_tcp', cause: 'own_network' });
});

test('a call of under two seconds is not reported, and nothing is reported twice', () => {
  const tally = new Tally();
  expect(tally.take()).toBeUndefined();
  tally.add(moment(), 'none');
  expect(tally.take()).toBeUndefined();
  tally.add(moment(), 'none');
  expect(tally.take()?.samples).toBe(2);
  expect(tally.take()).toBeUndefined();
  // The rest of a call that was long enough.
  tally.add(moment(), 'none');
  expect(tally.take()?.samples).toBe(1);
});

test('whenever reports are taken, their samples sum up to the seconds, and each number can be what it says', () => {
  forSeeds(200, (dice) => {
    const tally = new Tally();
    let seconds = 0;
    let samples = 0;
    const take = () => {
      const report = tally.take();
      if (!report) return;
      samples += report.samples;
      expect(report.mos_min).toBeLessThanOrEqual(report.mos);
      expect(report.poor).toBeLessThanOrEqual(report.samples);
      for (const [name, value] of Object.entries(report)) {
        if (typeof value === 'number') expect(Number.isInteger(value) && value >= 0, `${name} is ${value}`).toBe(true);
      }
      expect([report.mos >= 100, report.mos <= 450]).toEqual([true, true]);
      for (const share of [report.concealed_ppm, report.lost_ppm, report.remote_lost_ppm]) {
        if (share !== undefined) expect(share).toBeLessThanOrEqual(1_000_000);
      }
      for (const ms of [report.rtt_ms, report.jitter_ms]) if (ms !== undefined) expect(ms).toBeLessThanOrEqual(60_000);
    };
    for (let i = 0; i < 80; i += 1) {
      const n = 1 + Math.floor(3 * dice());
      seconds += n;
      if (dice() < 0.1) tally.addLost(1, n, 'none');
      else tally.add(moment({ seconds: n, mos: 1 + 3.4 * dice(), missing: 48_000 * dice(), remoteLost: dice(), rttMs: 2e5 * dice() }), 'none');
      if (dice() < 0.2) take();
    }
    take();
    expect(samples).toBe(seconds);
  });
});
