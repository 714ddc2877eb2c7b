import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { ringing, talk, type Pair } from '../rig/calls.js';
import { negotiated } from '../rig/frames.js';
import { walkThrough } from '../rig/journey.js';
import { firstPacketAfter } from '../rig/packets.js';
import type { Candidate } from '../rig/probe.js';
import { until, untilSeen } from '../rig/until.js';
import { Lab } from './lab.js';
import { choose, hasDirectWay, type Row } from './rows.js';
import { table, type Found } from './table.js';

/** The tones are at about 0.5. */
const AUDIBLE = 0.2;
/** Browsers may begin with one path and find a better one. */
const SETTLE_MS = 6_000;
const found: Found[] = [];

for (const row of choose(process.env['ROWS'])) {
  const moves = row.moves ? `, also after ${row.moves}'s address changed` : '';
  test(`${row.name}: each hears the other${moves}, by a relay only where there is no other way`, async () => {
    const result: { -readonly [K in keyof Found]: Found[K] } = { row };
    found.push(result);
    try {
      await walkThrough(`nat-${row.name}`, await Lab.open(row), (lab) => walk(lab, row, result));
    } catch (error) {
      result.fault = String(error).split('\n')[0]!.replaceAll('|', '/');
      throw error;
    }
  });
}

afterAll(() => {
  const out = fileURLToPath(new URL('../out', import.meta.url));
  mkdirSync(out, { recursive: true });
  writeFileSync(`${out}/nat.md`, table(found));
});

async function walk(lab: Lab, row: Row, result: { -readonly [K in keyof Found]: Found[K] }): Promise<void> {
  const pair = await ringing(lab, row.firefox ? { [row.firefox.toLowerCase()]: { browser: 'firefox' } } : {});
  const { a, b } = pair;
  for (const person of [a, b]) await person.probe('time');
  await b.click('accept');
  await talk(pair, voices(row));
  result.toneMs = await acceptToTone(pair);
  result.ways = await ways(pair, hasDirectWay(row));
  if (row.moves) result.backMs = await move(lab, pair, row.moves);
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

/** The public address of one side changes: sound is back at both, in the call that it was. */
async function move(lab: Lab, { a, b }: Pair, side: 'A'): Promise<[number, number]> {
  for (const person of [a, b]) await person.probe('watch');
  for (const person of [a, b]) await until('packets are counted', async () => (await person.probe('readings')).length >= 5);
  lab.move(side);
  const moved = Date.now();
  await Promise.all([a.untilCall('reconnecting'), b.untilCall('reconnecting')]);
  await Promise.all([a.untilCall('connected'), b.untilCall('connected')]);
  for (const person of [a, b]) {
    await until(`${person.name}'s browser plays it`, async () => (await person.probe('plays')) > AUDIBLE);
    expect(negotiated(person.traffic)).toHaveLength(1);
  }
  // Of the flow that died, a last packet may have been counted after the move.
  const back = async (person: Pair['a']): Promise<number> => firstPacketAfter(await person.probe('readings'), moved + LAST_PACKETS_MS)! + LAST_PACKETS_MS;
  return [await back(a), await back(b)];
}

const LAST_PACKETS_MS = 300;
