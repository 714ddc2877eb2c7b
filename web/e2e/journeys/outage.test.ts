import { expect } from 'vitest';
import { talk, talking, type Pair } from '../rig/calls.js';
import { negotiated } from '../rig/frames.js';
import { journey, type World } from '../rig/journey.js';
import { Line } from '../rig/line.js';
import { Network } from '../rig/network.js';
import { firstPacketAfter } from '../rig/packets.js';
import type { Person } from '../rig/person.js';
import { until, untilSeen } from '../rig/until.js';

const LONG_MS = 25_000;
const SHORT_MS = 8_000;
const BACK_MS = 1_000;
/** The tones are at about 0.5. */
const AUDIBLE = 0.2;
/** The browser can take away UDP only: with a relay, sound would go on by TCP. */
const NO_RELAY = { TINCAN_MEDIA__MODE: 'off' };
/** Silence is noticed after 1.5 s; then a way has to be found. */
const OTHER_WAY_MS = 15_000;

interface Outage extends Pair {
  /** When the network was back, on this machine's clock. */
  readonly back: number;
}

/** Two talk, and the network is away for a while. `line`: what the pages and the server say is lost with it. */
async function outage(world: World, ms: number, { line, meanwhile }: { line?: Line; meanwhile?: (pair: Pair) => Promise<unknown> } = {}): Promise<Outage> {
  const networks: Network[] = [];
  const before = async (person: Person): Promise<void> => void networks.push(await Network.of(person));
  const { a, b } = await talking(world, { a: { before }, b: { before } });
  for (const person of [a, b]) await person.probe('watch');

  await Promise.all(networks.map((network) => network.takeAway()));
  line?.takeAway();
  const gone = Date.now();
  for (const person of [a, b]) expect((await person.untilCall('reconnecting')).headline).toBe('Reconnecting');
  await meanwhile?.({ a, b });
  await until('the outage is over', () => Date.now() - gone >= ms, ms + BACK_MS);
  line?.giveBack();
  const [back = 0] = await Promise.all(networks.map((network) => network.giveBack()));
  return { a, b, back };
}

/** The sound came back in time, in the call that it was. */
async function sameCallGoesOn(world: World, { a, b, back }: Outage): Promise<void> {
  await Promise.all([a.untilCall('connected'), b.untilCall('connected')]);
  for (const person of [a, b]) {
    await until(`${person.name}'s browser plays it`, async () => (await person.probe('plays')) > AUDIBLE);
    const after = firstPacketAfter(await person.probe('readings'), back);
    world.tell(`${person.name}: sound back ${after} ms after the network`);
    expect(after).toBeLessThanOrEqual(BACK_MS);
    expect(negotiated(person.traffic)).toHaveLength(1);
  }
  expect(negotiated(a.traffic)).toEqual(negotiated(b.traffic));
  const since = Date.now();
  await b.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  world.tell(`hung up within ${Date.now() - since} ms`);
}

for (const round of [1, 2, 3]) {
  journey(`the way of the sound is away for 25 s, and the same call has it back within a second (${round} of 3)`, async (world) => {
    await sameCallGoesOn(world, await outage(world, LONG_MS));
  }, { env: NO_RELAY });
}

journey('the whole network is away for 25 s, the server too, and the same call goes on', async (world) => {
  const line = await Line.to(world.server.port);
  try {
    world.origin = line.origin;
    await sameCallGoesOn(world, await outage(world, LONG_MS, { line }));
  } finally {
    line.close();
  }
}, { env: NO_RELAY });

journey('after an outage the page still gets the sound itself, for its picture and its meter', async (world) => {
  const { a, b } = await outage(world, SHORT_MS, { meanwhile: bothTryAtOnce });
  await talk({ a, b });
}, { env: NO_RELAY });

journey('where UDP is gone for good in mid-call, the same call goes on by the relay, over TCP', async (world) => {
  const networks: Network[] = [];
  const before = async (person: Person): Promise<void> => void networks.push(await Network.of(person));
  const { a, b } = await talking(world, { a: { before }, b: { before } });
  await Promise.all(networks.map((network) => network.takeAway()));
  const gone = Date.now();
  for (const person of [a, b]) {
    await untilSeen(`${person.name}'s sound takes the relay`, () => person.probe('candidates'), ({ local, remote }) => [local?.type, remote?.type].includes('relay'), OTHER_WAY_MS);
  }
  world.tell(`by the relay ${Date.now() - gone} ms after UDP was gone`);
  await talk({ a, b });
  for (const person of [a, b]) expect(negotiated(person.traffic)).toHaveLength(1);
});

/** As when a network that both use comes up again: both look for a new path in the same moment, and their offers cross. */
async function bothTryAtOnce({ a, b }: Pair): Promise<void> {
  // Between the attempts that each makes by itself.
  const moment = Date.now() + 1_900;
  await Promise.all([a, b].map((person) => person.tab.run((at) => {
    setTimeout(() => window.dispatchEvent(new Event('online')), at - Date.now());
  }, moment)));
}
