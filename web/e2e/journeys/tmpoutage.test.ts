import { expect } from 'vitest';
import { talk, talking } from '../rig/calls.js';
import { negotiated } from '../rig/frames.js';
import { journey } from '../rig/journey.js';
import { Network } from '../rig/network.js';
import { firstPacketAfter } from '../rig/packets.js';
import type { Person } from '../rig/person.js';
import { until } from '../rig/until.js';

const OUTAGE_MS = 8_000;
const BACK_MS = 1_000;

for (const round of [1,2,3,4,5,6,7,8,9,10]) {
  journey(`the network is away for 25 s, and the same call has its sound back within a second (${round} of 3)`, async (world) => {
    const networks: Network[] = [];
    const before = async (person: Person): Promise<void> => void networks.push(await Network.of(person));
    const { a, b } = await talking(world, { a: { before }, b: { before } });
    const both = [a, b];
    const [call] = negotiated(a.traffic);
    for (const person of both) await person.probe('watch');

    await Promise.all(networks.map((network) => network.takeAway()));
    const gone = Date.now();
    for (const person of both) {
      expect(await person.untilCall('reconnecting')).toMatchObject({ headline: 'Reconnecting' });
    }
    await until('the outage is over', () => Date.now() - gone >= OUTAGE_MS, OUTAGE_MS + BACK_MS);
    const [back] = await Promise.all(networks.map((network) => network.giveBack()));

    await talk({ a, b });
    for (const person of both) {
      const after = firstPacketAfter(await person.probe('readings'), back!);
      world.tell(`${person.name}: sound back after ${after} ms; states ${(await person.probe('states')).join(' ')}`);
      expect(after).toBeLessThanOrEqual(BACK_MS);
      expect(negotiated(person.traffic)).toEqual([call]);
    }
    await b.click('hangup');
    await Promise.all(both.map((person) => person.untilEnded('hung_up')));
  });
}
