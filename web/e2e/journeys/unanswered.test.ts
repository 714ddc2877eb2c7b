import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { ringing, talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';

const RING_S = 15;

journey('a rejected call ends for both, and no microphone stays open', async (world) => {
  const { a, b } = await ringing(world);
  await b.click('reject');
  const [mine, theirs] = await Promise.all([b.untilEnded('declined'), a.untilEnded('declined')]);
  expect(mine.why).toBe('You rejected the call.');
  expect(theirs.why).toBe('Client B rejected the call.');
  await a.untilSilent();
  expect(await b.probe('microphone')).toEqual({ asked: 0, open: 0 });
});

journey('a call that the caller gives up stops ringing', async (world) => {
  const { a, b } = await ringing(world);
  await a.click('hangup');
  const [mine, theirs] = await Promise.all([a.untilEnded('cancelled'), b.untilEnded('cancelled')]);
  expect(mine.why).toBe('You gave up the call.');
  expect(theirs.why).toBe('You missed a call from Client A.');
  expect(await b.can('accept')).toBe(false);
  await a.untilSilent();
});

journey('a call that nobody accepts ends when the ring time is over, for both', async (world) => {
  const { a, b } = await ringing(world);
  const since = Date.now();
  const within = (RING_S + 5) * 1000;
  const [mine, theirs] = await Promise.all([a.untilEnded('no_answer', within), b.untilEnded('no_answer', within)]);
  world.tell(`ended ${Date.now() - since} ms after it rang, ring time ${RING_S} s`);
  expect(Date.now() - since).toBeGreaterThan((RING_S - 1) * 1000);
  expect(mine.why).toBe('Client B did not accept in time.');
  expect(theirs.why).toBe('You missed a call from Client A.');
  await a.untilSilent();
}, { env: { TINCAN_CALL__RING_TIMEOUT_S: String(RING_S) } });

journey('who talks is busy to a third person, and goes on talking', async (world) => {
  const { a, b } = await talking(world);
  const carol = await world.enter({ as: 'A', names: { guest: 'carol', peer: 'clientB' } });
  await carol.connect();
  await carol.click('call');
  expect((await carol.untilEnded('busy')).why).toBe('Client B is busy.');
  await carol.untilSilent();
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  expect((await b.see()).call).toBe('connected');
});

journey('who is not there cannot be reached, and the caller is told so', async (world) => {
  const a = await world.enter({ as: 'A' });
  await a.connect();
  await a.click('call');
  const since = Date.now();
  expect((await a.untilEnded('unreachable', 20_000)).why).toBe('Client B is not reachable.');
  world.tell(`told after ${Date.now() - since} ms`);
  await a.untilSilent();
}, { env: { TINCAN_CALL__REACH_TIMEOUT_S: '5' } });
