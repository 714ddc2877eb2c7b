import { describe, expect, it } from 'vitest';
import { poses, feels } from '../src/scene/pose.js';
import { Springs } from '../src/scene/spring.js';
import { pathThrough, stringPoints, SEGMENTS, type StringShape } from '../src/scene/string.js';
import { ringBurst, TRAVEL_S, Wave } from '../src/scene/wave.js';

const taut: StringShape = {
  left: { x: 100, y: 80 }, right: { x: 700, y: 80 }, floor: 300, sag: 0, curl: 0, sway: 0, droppedLeft: 0, droppedRight: 0, waveHeight: 30, wave: () => 0, now: 0,
};

describe('the string', () => {
  it('is straight when it is taut', () => {
    for (const { y } of stringPoints(taut)) expect(y).toBeCloseTo(80, 3);
  });

  it('is held by both cans, whatever it does between them', () => {
    const points = stringPoints({ ...taut, sag: 60, curl: 1, sway: 1, wave: () => 1, now: 3 });
    expect(points[0]).toEqual(taut.left);
    expect(points[SEGMENTS]?.x).toBeCloseTo(700, 3);
    expect(points[SEGMENTS]?.y).toBeCloseTo(80, 3);
  });

  it('hangs deepest in the middle and never below the table', () => {
    const hanging = stringPoints({ ...taut, sag: 100 });
    expect(hanging[SEGMENTS / 2]?.y).toBeCloseTo(180, 0);
    for (const { y } of stringPoints({ ...taut, sag: 900, wave: () => 1 })) expect(y).toBeLessThanOrEqual(307);
  });

  it('lies in a loop when it is loose', () => {
    const xs = stringPoints({ ...taut, sag: 400, curl: 1 }).map(({ x }) => x);
    expect(xs.some((x, i) => i > 0 && x < (xs[i - 1] ?? 0))).toBe(true);
  });

  it('comes down on the side that let go', () => {
    const points = stringPoints({ ...taut, sag: 400, droppedRight: 1 });
    expect(points[0]).toEqual(taut.left);
    expect(points[SEGMENTS]?.y).toBeGreaterThan(295);
    expect(points[SEGMENTS]?.x).toBeLessThan(700);
  });

  it('becomes one path, or none where there are too few points', () => {
    expect(pathThrough(stringPoints(taut))).toMatch(/^M100\.0 80\.0Q.*L700\.0 80\.0$/);
    expect(pathThrough([{ x: 0, y: 0 }])).toBe('');
  });
});

describe('a wave', () => {
  it('reaches the other can after its travel time and not before', () => {
    const wave = new Wave();
    wave.feed(0, 10);
    for (let now = 10; now <= 10.2; now += 1 / 60) wave.feed(1, now);
    expect(wave.loudness(0, 10.2)).toBe(1);
    expect(wave.loudness(1, 10.2)).toBe(0);
    for (let now = 10.2; now <= 10.1 + TRAVEL_S; now += 1 / 60) wave.feed(0, now);
    expect(wave.loudness(1, 10.1 + TRAVEL_S)).toBe(1);
    expect(wave.loudness(0, 10.1 + TRAVEL_S)).toBe(0);
  });

  it('stays within its height and falls silent', () => {
    const wave = new Wave();
    for (let now = 5; now < 6; now += 1 / 60) wave.feed(1, now);
    for (let s = 0; s <= 1; s += 0.1) expect(Math.abs(wave.at(s, 6))).toBeLessThanOrEqual(1);
    expect(wave.silent).toBe(false);
    for (let now = 6; now < 9; now += 1 / 60) wave.feed(0, now);
    expect(wave.silent).toBe(true);
  });

  it('rings in bursts between 0 and 1', () => {
    const strengths = Array.from({ length: 200 }, (_, i) => ringBurst(i / 50));
    expect(Math.max(...strengths)).toBeGreaterThan(0.9);
    expect(Math.max(...strengths)).toBeLessThanOrEqual(1);
    expect(Math.min(...strengths)).toBe(0);
  });
});

describe('the springs', () => {
  it('come to rest at every pose, from every other', () => {
    const springs = new Springs(poses.apart, feels);
    for (const pose of Object.values(poses)) {
      springs.aim(pose);
      let frames = 0;
      while (springs.step(1 / 60)) expect(++frames).toBeLessThan(600);
      for (const [name, target] of Object.entries(pose)) expect(springs.value[name as keyof typeof pose]).toBeCloseTo(target, 1);
    }
  });

  it('survive a long pause between two frames', () => {
    const springs = new Springs(poses.apart, feels);
    springs.aim(poses.connected);
    springs.step(3600);
    expect(Object.values(springs.value).every(Number.isFinite)).toBe(true);
  });

  it('jump where motion is not wanted', () => {
    const springs = new Springs(poses.apart, feels);
    springs.aim(poses.connected);
    springs.jump();
    expect(springs.value).toEqual(poses.connected);
  });
});
