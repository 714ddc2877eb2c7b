import { expect, test } from 'vitest';
import { Rating } from './rating.js';
import { forSeeds } from './testing/random.js';
import type { Bars } from './types.js';

const second = (mos: number, more = {}) => ({ seconds: 1, mos, slowness: 0, gaps: 0, lost: 0, sent: 50, ...more });
const rate = (...scores: number[]) => {
  const rating = new Rating();
  return scores.map((mos) => (rating.add(second(mos)), rating.bars));
};

test('a call begins with four bars, and each score has its bars', () => {
  expect(new Rating().bars).toBe(4);
  const settled = (mos: number) => rate(...Array<number>(10).fill(mos)).at(-1);
  expect([4, 3.99, 3.6, 3.59, 3, 2.99, 1].map(settled)).toEqual([4, 3, 3, 2, 2, 1, 1]);
});

test('three bad seconds of five take bars away, and two do not', () => {
  expect(rate(1, 4.4, 1, 4.4, 4.4, 4.4)).toEqual([4, 4, 4, 4, 4, 4]);
  expect(rate(1, 4.4, 1, 4.4, 1)).toEqual([4, 4, 4, 4, 1]);
});

test('five good seconds bring them back, and four do not', () => {
  expect(rate(1, 1, 1, 4.4, 4.4, 4.4, 4.4, 4.4)).toEqual([4, 4, 1, 1, 1, 1, 1, 4]);
});

test('a lost path is no bar at once, and after it the call has to prove itself', () => {
  const rating = new Rating();
  rating.fail(1);
  expect([rating.bars, rating.mos]).toEqual([0, 1]);
  rating.add(second(4.4));
  expect(rating.bars).toBe(1);
  for (let i = 0; i < 4; i += 1) rating.add(second(4.4));
  expect(rating.bars).toBe(4);
});

test('the figures forget a second about as fast as a mean over five', () => {
  const rating = new Rating();
  rating.add(second(4.4));
  rating.add(second(1, { gaps: 60, lost: 25, sent: 50 }));
  expect(rating.mos).toBeCloseTo(4.4 - 3.4 / 3, 5);
  expect(rating.lost).toBeCloseTo(0.5 / 3, 5);
  expect(rating.impairments.gaps).toBeCloseTo(20, 5);
  for (let i = 0; i < 5; i += 1) rating.add(second(3, { slowness: 40 }));
  expect(rating.lost).toBeLessThan(0.03);
  expect(rating.impairments.slowness).toBeGreaterThan(rating.impairments.gaps);
});

test('several seconds that are told of at once count as several', () => {
  const rating = new Rating();
  rating.add({ ...second(1), seconds: 3 });
  expect(rating.bars).toBe(1);
});

test('whatever the scores are, bars never flap: they turn at most once in three seconds', () => {
  forSeeds(200, (dice) => {
    const rating = new Rating();
    let turnedAt = -Infinity;
    let direction = 0;
    let before: Bars = 4;
    for (let second_ = 0; second_ < 200; second_ += 1) {
      rating.add(second(1 + 3.4 * dice()));
      const now = Math.sign(rating.bars - before);
      if (now !== 0 && now !== direction) {
        expect(second_ - turnedAt).toBeGreaterThanOrEqual(3);
        [turnedAt, direction] = [second_, now];
      }
      before = rating.bars;
    }
  });
});

test('bars are never better than the best nor worse than the worst of the last five seconds', () => {
  forSeeds(100, (dice) => {
    const scores = Array.from({ length: 60 }, () => 1 + 3.4 * dice());
    rate(...scores).forEach((bars, i) => {
      if (i < 5) return;
      const last = scores.slice(i - 4, i + 1).map((mos) => (mos >= 4 ? 4 : mos >= 3.6 ? 3 : mos >= 3 ? 2 : 1));
      expect(bars).toBeGreaterThanOrEqual(Math.min(...last));
      expect(bars).toBeLessThanOrEqual(Math.max(...last));
    });
  });
});
