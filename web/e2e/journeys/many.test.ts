import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { ready, talk } from '../rig/calls.js';
import { negotiated } from '../rig/frames.js';
import { journey } from '../rig/journey.js';
import type { Person } from '../rig/person.js';

journey('one of two tabs accepts, and the other stops ringing at once', async (world) => {
  const { a, b } = await ready(world);
  const other = await world.enter({ as: 'B', beside: b });
  await other.connect();
  await a.click('call');
  await Promise.all([b.untilCall('incoming'), other.untilCall('incoming')]);
  await b.click('accept');
  const since = Date.now();
  expect((await other.untilEnded('answered_elsewhere', 1_000)).why).toBe('Accepted elsewhere.');
  world.tell(`the other tab stopped ${Date.now() - since} ms after the click`);
  await Promise.all([a.untilCall('connected'), b.untilCall('connected')]);
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  expect(await other.probe('microphone')).toEqual({ asked: 0, open: 0 });
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  expect((await other.see()).reason).toBe('answered_elsewhere');
});

for (const round of [1, 2, 3]) {
  journey(`two who call each other at the same moment are in one call (${round} of 3)`, async (world) => {
    const { a, b } = await ready(world);
    const moment = Date.now() + 500;
    await Promise.all([a, b].map((person) => person.tab.run((at) => {
      setTimeout(() => document.getElementById('call')?.click(), at - Date.now());
    }, moment)));
    await talk({ a, b });
    expect(negotiated(a.traffic)).toHaveLength(1);
    expect(negotiated(b.traffic)).toEqual(negotiated(a.traffic));
    expect(requests(a) + requests(b)).toBe(2);
    await b.click('hangup');
    await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  });
}

function requests({ traffic }: Person): number {
  return traffic.filter(({ by, type }) => by === 'page' && type === 'call-request').length;
}
