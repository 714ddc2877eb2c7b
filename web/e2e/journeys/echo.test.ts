import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import type { Entrance, World } from '../rig/journey.js';
import { journey } from '../rig/journey.js';
import type { Person } from '../rig/person.js';

const PATH = '/callerA.html?peer=echo';

/** Somebody alone calls the echo, and is connected. */
async function calling(world: World, way: Partial<Entrance> = {}): Promise<Person> {
  const a = await world.enter({ as: 'A', path: PATH, ...way });
  await a.connect();
  expect((await a.see()).detail).toBe('Ready. Call Echo, and hear your own voice a second later.');
  await a.click('call');
  await a.untilCall('connected');
  return a;
}

journey('somebody alone calls the echo with two clicks and hears their own voice', async (world) => {
  const a = await calling(world);
  await a.hears(VOICE.A);
  expect((await a.see()).detail).toBe('Say something. A second later you hear it.');
  expect(a.clicks).toBe(2);

  // What was said before is still on its way when they fall silent.
  await a.click('mute');
  const mutedAt = performance.now();
  await a.hearsNothing();
  const afterMs = Math.round(performance.now() - mutedAt);
  world.tell(`the voice stops ${afterMs} ms after it was muted`);
  expect(afterMs).toBeGreaterThan(900);
  expect(afterMs).toBeLessThan(3_000);

  await a.click('hangup');
  expect(await a.untilEnded('hung_up')).toMatchObject({ why: 'You hung up.', error: '' });
  await a.untilSilent();
});

journey('the start page leads there', async (world) => {
  const a = await world.enter({ as: 'A', path: '/' });
  await a.tab.click('.landing__alone a');
  await a.connect();
  await a.click('call');
  await a.hears(VOICE.A);
});

journey('in Firefox too', async (world) => {
  const a = await calling(world, { browser: 'firefox' });
  await a.hears(VOICE.firefox);
  await a.click('hangup');
  await a.untilEnded('hung_up');
}, { within: 90_000 });
