/** The operator sees the calls, on the listener that only operators reach. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { faults } from '../rig/axe.js';
import { talking } from '../rig/calls.js';
import { journey, type World } from '../rig/journey.js';
import type { Person } from '../rig/person.js';
import { scratch } from '../rig/processes.js';
import { until, untilSeen } from '../rig/until.js';

const METRICS = { TINCAN_METRICS__LISTEN: '127.0.0.1:0' };

journey('an operator sees who talks, then how it ended, sorts by keyboard, and finds nothing of it in public', async (world) => {
  const { a, b } = await talking(world);
  expect((await fetch(`${world.origin}/operator.html`)).status).toBe(404);
  const operator = await open(world);
  await untilSeen('the live call', () => texts(operator, '.leg__name'), (legs) => legs.length === 2 && legs[0]!.startsWith('clientA/'));
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  await untilSeen('the ended call', () => texts(operator, 'tbody .calls__reason'), ([reason]) => reason === 'Hung up', 20_000);
  expect(await texts(operator, '.leg__name')).toEqual([]);

  const { page } = operator.chromium;
  await page.focus('th.calls__talk button');
  await page.keyboard.press('Enter');
  expect(await page.getAttribute('th.calls__talk', 'aria-sort')).toBe('descending');
  await page.keyboard.press('Space');
  expect(await page.getAttribute('th.calls__talk', 'aria-sort')).toBe('ascending');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Talk');
  expect(await faults(operator)).toEqual([]);
}, { env: METRICS, within: 90_000 });

const token = join(scratch('token'), 'token');
writeFileSync(token, 'a-word-of-this-journey\n');
chmodSync(token, 0o600);

journey('the page asks for the token, says when it is wrong, and shows the calls when it is right', async (world) => {
  const operator = await open(world);
  const { page } = operator.chromium;
  await page.waitForSelector('#door:not([hidden])');
  expect(await faults(operator)).toEqual([]);
  await page.fill('#token', 'some-other-word-than-it');
  await page.keyboard.press('Enter');
  await until('it says so', () => page.isVisible('text=The server does not know that token.'));
  await page.fill('#token', 'a-word-of-this-journey');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#sheet:not([hidden])');
  expect(await page.textContent('#ended-note')).toBe('No call has ended yet.');
  await page.reload();
  await page.waitForSelector('#sheet:not([hidden])');
}, { env: { ...METRICS, TINCAN_METRICS__TOKEN_FILE: token } });

async function open(world: World): Promise<Person> {
  world.origin = world.server.operators;
  return world.enter({ as: 'A', names: { guest: 'operator', peer: 'nobody' }, path: '/operator.html' });
}

const texts = (operator: Person, selector: string): Promise<string[]> => operator.chromium.page.locator(selector).allTextContents();
