import { describe, expect, it } from 'vitest';
import { CAUSES, PATHS, type Calls, type Day, type EndedCall, type EndedLeg, type LiveCall, type LiveLeg, type Measured } from '../src/operator/calls.js';
import { graded, scoresInWords, waysInWords } from '../src/operator/plots.js';
import { clicked, sorted, type Order } from '../src/operator/table.js';
import { blame, curve, grade, lasting, percent, reason, troubles } from '../src/operator/words.js';
import text from './operator-sample.json?raw';

/** What the server writes: its own test holds this file against it. */
const sample = JSON.parse(text) as Calls;

/** All keys of a type: one that is missing here, or is no key, does not compile. */
type Keys<T> = Readonly<Record<keyof T, true>>;
const CALLS: Keys<Calls> = { now: true, live_total: true, live: true, ended: true, next: true, day: true };
const LIVE: Keys<LiveCall> = { call: true, accepted_at: true, legs: true };
const LIVE_LEG: Keys<LiveLeg> = { leg: true, latest: true, recent: true };
const ENDED: Keys<EndedCall> = {
  row: true, call: true, caller: true, callee: true, requested_at: true, ended_at: true, talk_ms: true, reason: true, legs: true,
};
const ENDED_LEG: Keys<EndedLeg> = { leg: true, role: true, measured: true };
const DAY: Keys<Day> = { mos_class: true, mos: true, paths: true };
const MEASURED: Keys<Measured> = {
  samples: true, mos: true, mos_min: true, poor: true, concealed_ppm: true, lost_ppm: true, remote_lost_ppm: true, rtt_ms: true, jitter_ms: true,
  path: true, cause: true, reported_at: true,
};

const keys = (value: object): string[] => Object.keys(value).sort();
const all = (of: Keys<never>): string[] => Object.keys(of).sort();

describe('what the server answers', () => {
  const liveLegs = sample.live.flatMap(({ legs }) => legs);
  const endedLegs = sample.ended.flatMap(({ legs }) => legs);
  const measured = [...liveLegs.flatMap(({ latest }) => latest ?? []), ...endedLegs.map((leg) => leg.measured)];

  it('has the members that its type names, and no others', () => {
    expect(keys(sample)).toEqual(all(CALLS));
    expect(keys(sample.day!)).toEqual(all(DAY));
    for (const call of sample.live) expect(keys(call)).toEqual(all(LIVE));
    for (const leg of liveLegs) expect(keys(leg)).toEqual(all(LIVE_LEG));
    for (const call of sample.ended) expect(keys(call)).toEqual(all(ENDED));
    for (const leg of endedLegs) expect(keys(leg)).toEqual(all(ENDED_LEG));
    for (const it of measured) expect(keys(it)).toEqual(all(MEASURED));
    expect(measured.length).toBeGreaterThan(3);
  });

  it('uses the words that its type lists', () => {
    expect(keys(sample.day!.paths)).toEqual([...PATHS].sort());
    expect([...new Set(measured.map(({ cause }) => cause))].sort()).toEqual([...CAUSES].sort());
    expect(new Set(endedLegs.map(({ role }) => role))).toEqual(new Set(['caller', 'callee']));
    for (const { path } of measured) expect(PATHS).toContain(path);
  });
});

describe('the words', () => {
  it('grade a score as the bars of a call do', () => {
    expect([450, 400, 399, 360, 359, 300, 299, 100].map(grade)).toEqual(['good', 'good', 'fair', 'fair', 'weak', 'weak', 'poor', 'poor']);
  });

  it('name whose network is to blame, seen from the leg that says so', () => {
    expect(blame('own_network', 'alice/web', 'bob/phone')).toBe('The network of alice/web loses or delays packets.');
    expect(blame('peer_network', 'alice/web', 'bob/phone')).toBe('The network of bob/phone loses or delays packets.');
  });

  it('say what was wrong with each poor leg of a call, and nothing of good ones', () => {
    const [unanswered, relayed, partly] = sample.ended;
    expect(troubles(unanswered!)).toEqual([]);
    expect(troubles(relayed!)).toEqual([
      'carol/web heard 21 s of poor sound. The way through the relay is long.',
      'dave/desk heard 21 s of poor sound. The network of carol/web loses or delays packets.',
    ]);
    expect(troubles(partly!)).toEqual([]);
  });

  it('tell a curve to those who do not see it', () => {
    expect(curve('bob/phone', [])).toBe('bob/phone has not reported yet.');
    expect(curve('alice/web', sample.live[0]!.legs[0].recent)).toBe('Opinion score of alice/web: 2.62, poor, between 2.62 and 4.31 before.');
  });

  it('round times and shares as a person would', () => {
    expect([0, 59_999, 60_000, 3_600_000 * 2 + 61_000].map(lasting)).toEqual(['0 s', '59 s', '1 min 00 s', '2 h 01 min']);
    expect([null, 0, 1200, 98_000, 250_000].map(percent)).toEqual(['–', '0 %', '0.1 %', '9.8 %', '25 %']);
    expect([reason('no_answer'), reason('of_tomorrow')]).toEqual(['No answer', 'of tomorrow']);
  });
});

describe('the plots', () => {
  it('say in a sentence what they show', () => {
    expect(graded(sample.day!)).toEqual({ good: 41, fair: 0, weak: 0, poor: 2 });
    expect(scoresInWords(sample.day!)).toBe('43 legs: 41 good, 0 fair, 0 weak, 2 poor.');
    expect(waysInWords(sample.day!)).toBe('Direct 40, Relay by TCP 1, Relay by TLS 2.');
  });
});

describe('the table', () => {
  const rows = (order: Order): number[] => sorted(sample.ended, order).map(({ row }) => row);

  it('sorts by any column, either way, and has calls without a value last', () => {
    expect(rows({ by: 'mos', falling: false })).toEqual([8, 7, 9]);
    expect(rows({ by: 'mos', falling: true })).toEqual([7, 8, 9]);
    expect(rows({ by: 'talk', falling: true })).toEqual([8, 7, 9]);
    expect(rows({ by: 'ended', falling: true })).toEqual([9, 8, 7]);
  });

  it('turns round at the second click on a title, and begins with the end that matters', () => {
    const first = clicked({ by: 'ended', falling: true }, 'mos');
    expect(first).toEqual({ by: 'mos', falling: false });
    expect(clicked(first, 'mos')).toEqual({ by: 'mos', falling: true });
    expect(clicked(first, 'rtt')).toEqual({ by: 'rtt', falling: true });
  });
});
