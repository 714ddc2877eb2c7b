import { expect, test } from 'vitest';
import { Adaptation } from './adaptation.js';
import type { Tuning } from './adaptation.js';
import type { Moment } from './quality.js';
import { forSeeds } from './testing/random.js';

const moment = (more: Partial<Moment> = {}): Moment => ({
  seconds: 1,
  mos: 4,
  slowness: 0,
  gaps: 0,
  missing: 0,
  played: 48_000,
  lost: 0,
  sent: 50,
  remoteLost: 0,
  rttMs: 30,
  jitterMs: 2,
  path: 'direct',
  codec: 'opus',
  ...more,
});

/** The tuning after each of so many seconds. */
function pass(adaptation: Adaptation, seconds: number, more: Partial<Moment>): Tuning[] {
  return Array.from({ length: seconds }, () => adaptation.add(moment(more)));
}
const since = <T>(all: T[], is: (one: T) => boolean) => all.findIndex(is) + 1;

test('a call begins plain, with 32 kbit/s and the buffer of the browser', () => {
  expect(new Adaptation().tuning).toEqual({ red: false, bitrate: 32_000, bufferMs: null });
});

test('RED begins after 5 s of more than 2 % loss, and ends after 30 s of less than 0.5 %', () => {
  const adaptation = new Adaptation();
  expect(since(pass(adaptation, 10, { remoteLost: 0.021 }), ({ red }) => red)).toBe(5);
  expect(pass(adaptation, 60, { remoteLost: 0.01 }).every(({ red }) => red)).toBe(true);
  expect(since(pass(adaptation, 40, { remoteLost: 0.004 }), ({ red }) => !red)).toBe(30);
});

test('a loss that comes and goes within 5 s is no reason for RED', () => {
  const adaptation = new Adaptation();
  for (let i = 0; i < 20; i += 1) {
    expect(pass(adaptation, 4, { remoteLost: 0.5 }).some(({ red }) => red)).toBe(false);
    pass(adaptation, 1, { remoteLost: 0 });
  }
});

test('without a word of the other side nothing is changed in what is sent', () => {
  const adaptation = new Adaptation();
  expect(pass(adaptation, 60, { remoteLost: undefined, rttMs: 900 }).at(-1)).toEqual({ red: false, bitrate: 32_000, bufferMs: null });
});

test('loss with a growing round trip takes bits away, step by step, and calm brings them back', () => {
  const adaptation = new Adaptation();
  pass(adaptation, 5, {});
  const full = pass(adaptation, 40, { remoteLost: 0.05, rttMs: 150 }).map(({ bitrate }) => bitrate);
  expect([full[8], full[9], full[19], full[39]]).toEqual([32_000, 24_000, 16_000, 16_000]);
  const calm = pass(adaptation, 70, {}).map(({ bitrate }) => bitrate);
  expect([calm[28], calm[29], calm[59]]).toEqual([16_000, 24_000, 32_000]);
});

test('loss alone takes no bits away, unless so much is lost that RED is part of the trouble', () => {
  expect(pass(new Adaptation(), 60, { remoteLost: 0.18 }).at(-1)?.bitrate).toBe(32_000);
  expect(pass(new Adaptation(), 60, { remoteLost: 0.3 }).at(-1)?.bitrate).toBe(16_000);
});

test('three bursts of late packets lengthen the buffer, three more lengthen it again, and a good minute releases it', () => {
  const adaptation = new Adaptation();
  const late = { missing: 4_800 };
  const buffers = Array.from({ length: 6 }, () => {
    pass(adaptation, 10, {});
    return adaptation.add(moment(late)).bufferMs;
  });
  expect(buffers).toEqual([null, null, 100, 100, 100, 200]);
  expect(since(pass(adaptation, 70, {}), ({ bufferMs }) => bufferMs === null)).toBe(60);
});

test('sound that is missing because packets were lost is no reason for a longer buffer', () => {
  expect(pass(new Adaptation(), 20, { missing: 4_800, lost: 5 }).at(-1)?.bufferMs).toBeNull();
});

test('whatever happens, nothing is changed back within 5 s', () => {
  forSeeds(100, (dice) => {
    const adaptation = new Adaptation();
    const changedAt = { red: -Infinity, bitrate: -Infinity };
    let before = adaptation.tuning;
    for (let second = 0; second < 300; second += 1) {
      const rough = dice() < 0.5;
      const now = adaptation.add(moment({ remoteLost: rough ? dice() * 0.4 : 0, rttMs: rough ? 300 * dice() : 30 }));
      for (const name of ['red', 'bitrate'] as const) {
        if (now[name] === before[name]) continue;
        expect(second - changedAt[name]).toBeGreaterThanOrEqual(5);
        changedAt[name] = second;
      }
      before = now;
    }
  });
});
