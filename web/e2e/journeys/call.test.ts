import { expect } from 'vitest';
import { talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';

const MOST_CLICKS = 3;

journey('two people hear each other after two clicks each, and the caller hangs up', async (world) => {
  const { a, b } = await talking(world);
  expect(a.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect(b.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect((await a.see()).headline).toBe('Connected');
  expect((await b.see()).headline).toBe('Connected');

  await a.click('hangup');
  const [mine, theirs] = await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  expect(mine).toMatchObject({ headline: 'Call Ended', why: 'You hung up.', server: 'registered', error: '' });
  expect(theirs).toMatchObject({ headline: 'Call Ended', why: 'Client A hung up.', server: 'registered', error: '' });
  await Promise.all([a.untilSilent(), b.untilSilent()]);
  expect(a.clicks).toBeLessThanOrEqual(MOST_CLICKS);
});
