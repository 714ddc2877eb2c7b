/** For those who have no mouse, who listen to the page, or who see it differently. */
import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { faults } from '../rig/axe.js';
import { ready, talk, talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';
import type { Button, Person } from '../rig/person.js';
import { until } from '../rig/until.js';

const MOST_TABS = 12;
/** A key that comes sooner after the ring may have been meant for what was there before, and is ignored. */
const KEY_GUARD_MS = 500;

const focused = (person: Person): Promise<string> => person.tab.run(() => document.activeElement?.id ?? '', null);

/** Goes to a button by the Tab key, and presses it. */
async function press(person: Person, button: Button, key = 'Enter'): Promise<void> {
  await until(`${button} can be pressed`, () => person.can(button));
  for (let n = 0; (await focused(person)) !== button; n += 1) {
    if (n === MOST_TABS) throw new Error(`${person.name} did not get to ${button} with ${MOST_TABS} tabs`);
    await person.tab.press('Tab');
  }
  await person.tab.press(key);
}

journey('a whole call needs no mouse, and its states are said aloud', async (world) => {
  const [a, b] = await Promise.all([world.enter({ as: 'A' }), world.enter({ as: 'B' })]);
  for (const person of [a, b]) {
    await press(person, 'connect');
    await person.untilServer('registered');
  }
  await press(a, 'call');
  await b.untilCall('incoming');
  const rang = Date.now();
  // Nothing was pressed: the focus came by itself.
  await until('the focus is on Accept', async () => (await focused(b)) === 'accept');
  await until('the page takes keys', () => Date.now() - rang > KEY_GUARD_MS);
  await b.tab.press('Enter');
  await talk({ a, b });

  await press(b, 'mute', 'Space');
  await a.hearsNothing();
  await press(b, 'mute', 'Space');
  await a.hears(VOICE.B);
  await press(a, 'hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  expect(a.clicks + b.clicks).toBe(0);

  const [mine, theirs] = [await a.probe('spoken'), await b.probe('spoken')];
  for (const word of ['Requesting', 'Ringing there', 'Connected', 'You hung up']) expect(mine.join('\n')).toContain(word);
  for (const word of ['Incoming call from Client A. Accept or Reject.', 'Connected', 'Client A hung up']) expect(theirs.join('\n')).toContain(word);
});

journey('a key that was on its way when the call came in does not accept it', async (world) => {
  const { a, b } = await ready(world);
  await b.tab.run(() => {
    const state = document.getElementById('call-state');
    // As soon as it rings, while the finger is still going down.
    new MutationObserver(() => state?.dataset['state'] === 'incoming' && document.body.setAttribute('data-rang', '')).observe(state!, { attributes: true });
  }, null);
  await a.click('call');
  await until('it rings', () => b.tab.run(() => document.body.hasAttribute('data-rang'), null));
  await b.tab.press('Enter');
  const seen = await b.see();
  expect(seen.call).toBe('incoming');
  expect(await b.probe('microphone')).toEqual({ asked: 0, open: 0 });
});

journey('every state of a call is free of accessibility faults, in light and in dark', async (world) => {
  const [a, b] = await Promise.all([world.enter({ as: 'A' }), world.enter({ as: 'B' })]);
  expect(await faults(a), 'idle').toEqual([]);
  await Promise.all([a.connect(), b.connect()]);
  expect(await faults(a), 'registered').toEqual([]);
  await a.click('call');
  await b.untilCall('incoming');
  expect(await faults(b), 'incoming').toEqual([]);
  expect(await faults(a), 'ringing').toEqual([]);
  await b.click('accept');
  await Promise.all([a.untilCall('connected'), b.untilCall('connected')]);
  expect(await faults(a), 'connected').toEqual([]);
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  expect(await faults(a), 'ended by me').toEqual([]);
  expect(await faults(b), 'ended by the other').toEqual([]);
}, { within: 90_000 });

journey('what breaks the Content-Security-Policy would be noticed', async (world) => {
  const { a } = await talking(world);
  expect(await a.probe('violations')).toEqual([]);
  await a.tab.run(() => {
    const script = document.createElement('img');
    script.src = 'https://elsewhere.invalid/pixel.png';
    document.body.append(script);
  }, null);
  await until('the violation is noticed', async () => (await a.probe('violations')).length > 0);
  await expect(world.check()).rejects.toThrow('img-src');
  world.people.splice(world.people.indexOf(a), 1);
  await a.leave();
});
