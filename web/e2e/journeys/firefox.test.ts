import { expect } from 'vitest';
import { talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';

journey('Chromium calls Firefox, and they hear each other', async (world) => {
  const { a, b } = await talking(world, { b: { browser: 'firefox' } });
  await b.click('hangup');
  const [mine, theirs] = await Promise.all([b.untilEnded('hung_up'), a.untilEnded('hung_up')]);
  expect(mine.why).toBe('You hung up.');
  expect(theirs.why).toBe('Client B hung up.');
}, { within: 90_000 });

journey('Firefox calls Chromium, and they hear each other', async (world) => {
  const { a, b } = await talking(world, { a: { browser: 'firefox' } });
  await b.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  await Promise.all([a.untilSilent(), b.untilSilent()]);
}, { within: 90_000 });
