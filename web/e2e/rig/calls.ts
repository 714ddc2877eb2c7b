/** How far most journeys have to get before they begin. */
import { VOICE } from './browsers.js';
import type { Entrance, World } from './journey.js';
import type { Person } from './person.js';

export interface Pair {
  readonly a: Person;
  readonly b: Person;
}

type Ways = { readonly a?: Partial<Entrance>; readonly b?: Partial<Entrance> };

/** Both pages open and connected to the server. */
export async function ready(world: World, ways: Ways = {}): Promise<Pair> {
  const [a, b] = await Promise.all([world.enter({ as: 'A', ...ways.a }), world.enter({ as: 'B', ...ways.b })]);
  await Promise.all([a.connect(), b.connect()]);
  return { a, b };
}

/** A calls, and it rings at B. */
export async function ringing(world: World, ways: Ways = {}): Promise<Pair> {
  const pair = await ready(world, ways);
  await pair.a.click('call');
  await Promise.all([pair.a.untilCall('ringing'), pair.b.untilCall('incoming')]);
  return pair;
}

/** A called, B accepted, and each hears the other. */
export async function talking(world: World, ways: Ways = {}): Promise<Pair> {
  const pair = await ringing(world, ways);
  await pair.b.click('accept');
  await talk(pair, { a: voice(ways.a, 'A'), b: voice(ways.b, 'B') });
  return pair;
}

/** Both see that they are connected, and hear each other's tone. */
export async function talk({ a, b }: Pair, voices: { a: number; b: number } = { a: VOICE.A, b: VOICE.B }): Promise<void> {
  await Promise.all([a.untilCall('connected'), b.untilCall('connected')]);
  await Promise.all([a.hears(voices.b), b.hears(voices.a)]);
}

function voice(way: Partial<Entrance> | undefined, otherwise: 'A' | 'B'): number {
  return way?.browser === 'firefox' ? VOICE.firefox : VOICE[way?.as ?? otherwise];
}
