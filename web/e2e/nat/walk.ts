/** A row: two people at home call each other, and what is so then. */
import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { ringing, talk, type Pair } from '../rig/calls.js';
import { negotiated } from '../rig/frames.js';
import { longestSilence } from '../rig/packets.js';
import type { Person } from '../rig/person.js';
import type { Candidate } from '../rig/probe.js';
import { until, untilSeen } from '../rig/until.js';
import type { Lab } from './lab.js';
import { hasDirectWay, type Row } from './rows.js';
import type { Found } from './table.js';

/** The tones are at about 0.5. */
const AUDIBLE = 0.2;
/** Browsers may begin with one path and find a better one. */
const SETTLE_MS = 6_000;
/** Within this time both must have another path for one that broke; the call itself would be given up after 45 s. */
const BACK_MS = 15_000;

/** `note` is told what was found as soon as it is. */
export async function walk(lab: Lab, row: Row, note: (found: Partial<Found>) => void): Promise<void> {
  const pair = await ringing(lab, row.firefox ? { [row.firefox.toLowerCase()]: { browser: 'firefox' } } : {});
  const { a, b } = pair;
  for (const person of [a, b]) await person.probe('time');
  await b.click('accept');
  await talk(pair, voices(row));
  note({ toneMs: await acceptToTone(pair) });
  note({ ways: await ways(pair, hasDirectWay(row)) });
  if (row.meanwhile === 'move') note({ silentMs: await through(pair, () => lab.move('A')) });
  if (row.meanwhile === 'restart') note({ silentMs: await through(pair, () => lab.restart()) });
  if (row.relayOnly) expect(whatTells([a, b], lab.addresses)).toEqual([]);
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
}

function voices({ firefox }: Row): { a: number; b: number } {
  return { a: firefox === 'A' ? VOICE.firefox : VOICE.A, b: firefox === 'B' ? VOICE.firefox : VOICE.B };
}

async function acceptToTone({ a, b }: Pair): Promise<number> {
  const [mine, theirs] = await Promise.all([a.probe('moments'), b.probe('moments')]);
  return Math.max(mine.heard!, theirs.heard!) - theirs.accepted!;
}

/** Waits until both go the way that they should, and returns how they go. */
async function ways({ a, b }: Pair, direct: boolean): Promise<[Candidate | undefined, Candidate | undefined]> {
  const look = async (): Promise<[Candidate | undefined, Candidate | undefined]> => {
    const [mine, theirs] = await Promise.all([a.probe('candidates'), b.probe('candidates')]);
    return [mine.local, theirs.local];
  };
  const good = (both: readonly (Candidate | undefined)[]): boolean =>
    both.every((one) => one !== undefined) && both.some((one) => one?.type === 'relay') !== direct;
  return untilSeen(direct ? 'sound goes straight' : 'sound goes by a relay', look, good, SETTLE_MS);
}

/** Something breaks the path. Both find another, and hear each other in the call that it was. Returns for how long they did not. */
async function through({ a, b }: Pair, event: () => void | Promise<void>): Promise<[number, number]> {
  const both = [a, b] as const;
  for (const person of both) await person.probe('watch');
  for (const person of both) await until('packets are counted', async () => (await person.probe('readings')).length >= 5);
  const before = await Promise.all(both.map(path));
  const since = Date.now();
  await event();
  const back = async (person: Person, n: number): Promise<number> => {
    await until(`${person.name} has another path`, async () => (await path(person)) !== before[n], BACK_MS);
    await person.untilCall('connected');
    const packets = await person.probe('packets');
    await until(`${person.name} gets new packets`, async () => (await person.probe('packets')) > packets);
    await until(`${person.name}'s browser plays them`, async () => (await person.probe('plays')) > AUDIBLE);
    expect(negotiated(person.traffic)).toHaveLength(1);
    return longestSilence(await person.probe('readings'), since).atMost;
  };
  return Promise.all([back(a, 0), back(b, 1)]);
}

/** The path that is used, if there is one. */
async function path(person: Person): Promise<string> {
  const { local, remote } = await person.probe('candidates');
  return JSON.stringify([local, remote]);
}

/** Frames in which a page told one of these addresses. */
function whatTells(people: readonly Person[], addresses: readonly string[]): string[] {
  return people.flatMap(({ traffic }) => traffic.filter(({ by }) => by === 'page').map((frame) => JSON.stringify(frame)))
    .filter((text) => addresses.some((address) => text.includes(address)));
}
