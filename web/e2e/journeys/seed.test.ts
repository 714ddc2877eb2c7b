/** The original pages, of which nobody can change a line any more, on this server. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { journey, type World } from '../rig/journey.js';
import type { Person } from '../rig/person.js';
import { until } from '../rig/until.js';

const PAGE = readFileSync(fileURLToPath(new URL('../seed/client.html', import.meta.url)), 'utf8');
const CALLS = 10;

/** Such a page under the server's own origin, as it was when that server delivered it. */
async function old(world: World, as: 'A' | 'B'): Promise<Person> {
  const me = `client${as}`;
  const peer = as === 'A' ? 'clientB' : 'clientA';
  return world.enter({
    as,
    path: `/client.html#me=${me}&peer=${peer}`,
    before: async ({ chromium: { page, context } }) => {
      // The browser does not see from where a page came that the test put there, and would not let it talk to this machine.
      await context.grantPermissions(['local-network-access', 'microphone'], { origin: world.server.origin });
      await page.route('**/client.html', (route) => route.fulfill({ contentType: 'text/html', body: PAGE }));
    },
  });
}

function shows(person: Person, id: 'server' | 'state', text: string): Promise<unknown> {
  const read = (at: string): string | null | undefined => document.getElementById(at)?.textContent;
  return until(`${person.name}'s old page shows ${text}`, async () => (await person.tab.run(read, id)) === text);
}

async function call(caller: Person, callee: Person): Promise<void> {
  await caller.click('call');
  await callee.click('accept');
  await Promise.all([shows(caller, 'state', 'Connected'), shows(callee, 'state', 'Connected')]);
}

const free = { TINCAN_LIMITS__CALL_REQUESTS__BURST: '100', TINCAN_LIMITS__CALL_REQUESTS_PAIR__BURST: '100' };

/** Calls one after the other, each way in turn. */
async function callOften([a, b]: readonly [Person, Person], meanwhile: (caller: Person, callee: Person) => Promise<unknown>): Promise<void> {
  for (const person of [a, b]) {
    await person.click('connect');
    await shows(person, 'server', 'Connected');
  }
  for (let n = 1; n <= CALLS; n += 1) {
    const [caller, callee] = n % 2 === 1 ? [a, b] : [b, a];
    await call(caller, callee);
    await meanwhile(caller, callee);
    await (n % 3 === 0 ? caller : callee).click('hangup');
    await Promise.all([shows(caller, 'state', 'Call Ended'), shows(callee, 'state', 'Call Ended')]);
  }
}

journey(`two pages of old connect ${CALLS} times out of ${CALLS}, and hear each other`, async (world) => {
  const [a, b] = await Promise.all([old(world, 'A'), old(world, 'B')]);
  await callOften([a, b], () => Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]));
}, { env: free });

journey('a page of old gets no candidate before it can use it', async (world) => {
  const [a, b] = await Promise.all([old(world, 'A'), old(world, 'B')]);
  await callOften([a, b], () => Promise.resolve());
  const lost = (person: Person): Promise<number> => person.tab.run(() => (window as never as { lost: number }).lost, null);
  expect([await lost(a), await lost(b)]).toEqual([0, 0]);
}, { env: free });

journey('a page of old calls a page of today, and is called by it', async (world) => {
  const [a, b] = await Promise.all([old(world, 'A'), world.enter({ as: 'B' })]);
  await a.click('connect');
  await shows(a, 'server', 'Connected');
  await b.connect();

  await a.click('call');
  await b.untilCall('incoming');
  await b.click('accept');
  await Promise.all([shows(a, 'state', 'Connected'), b.untilCall('connected')]);
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  await a.click('hangup');
  await b.untilEnded('hung_up');

  await b.click('call');
  await a.click('accept');
  await Promise.all([shows(a, 'state', 'Connected'), b.untilCall('connected')]);
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  await b.click('hangup');
  await shows(a, 'state', 'Call Ended');
}, { env: free });

journey('a page of today that rejects is told so to a page of old', async (world) => {
  const [a, b] = await Promise.all([old(world, 'A'), world.enter({ as: 'B' })]);
  await a.click('connect');
  await shows(a, 'server', 'Connected');
  await b.connect();
  await a.click('call');
  await b.click('reject');
  await shows(a, 'state', 'Rejected');
});
