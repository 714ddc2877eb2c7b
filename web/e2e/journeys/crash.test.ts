import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';
import { longestSilence } from '../rig/packets.js';
import { until } from '../rig/until.js';

const SILENCE_MS = 300;
const AWAY_MS = 3_000;

journey('the server is killed in mid-call: the sound never stops, both pages find it again, and hang-up works', async (world) => {
  const { a, b } = await talking(world);
  const both = [a, b];
  for (const person of both) await person.probe('watch');
  for (const person of both) await until('packets are counted', async () => (await person.probe('readings')).length >= 5);

  const killed = Date.now();
  await world.server.kill();
  await Promise.all(both.map((person) => person.untilServer('reconnecting')));
  await until('they talked for a while without a server', () => Date.now() - killed >= AWAY_MS);
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  for (const person of both) expect((await person.see()).call).toBe('connected');

  const started = Date.now();
  await world.server.startAgain();
  await Promise.all(both.map((person) => person.untilServer('registered', 15_000)));
  world.tell(`both registered ${Date.now() - started} ms after the restart began`);
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  for (const person of both) {
    const readings = await person.probe('readings');
    const { sure, atMost } = longestSilence(readings, killed - 500);
    world.tell(`${person.name}: longest silence at least ${sure} and at most ${atMost} ms, ${readings.length} readings`);
    expect(sure).toBeLessThanOrEqual(SILENCE_MS);
    expect(await person.probe('states')).not.toContain('reconnecting');
  }
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  await Promise.all([a.untilSilent(), b.untilSilent()]);

  // The server that came back knows that it is over: the next call is not refused as busy.
  await b.click('call');
  await a.untilCall('incoming');
});

journey('who hangs up while the server is away is heard by the other side all the same', async (world) => {
  const { a, b } = await talking(world);
  await world.server.kill();
  await Promise.all([a.untilServer('reconnecting'), b.untilServer('reconnecting')]);
  await a.click('hangup');
  const [mine, theirs] = await Promise.all([a.untilEnded('hung_up', 2_000), b.untilEnded('hung_up', 2_000)]);
  expect(mine.why).toBe('You hung up.');
  expect(theirs.why).toBe('Client A hung up.');
  await Promise.all([a.untilSilent(), b.untilSilent()]);

  await world.server.startAgain();
  await Promise.all([a.untilServer('registered', 15_000), b.untilServer('registered', 15_000)]);
  await b.click('call');
  await a.untilCall('incoming');
});
