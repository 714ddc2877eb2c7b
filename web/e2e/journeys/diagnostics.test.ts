/** The diagnostics page names what is wrong. Each fault is made for real: in the browser, on the network, at the relay. */
import { afterAll, beforeAll, expect } from 'vitest';
import { faults } from '../rig/axe.js';
import { VOICE } from '../rig/browsers.js';
import { talking } from '../rig/calls.js';
import { diagnosis, examine, visit } from '../rig/doctor.js';
import { journey, type World } from '../rig/journey.js';
import { Network } from '../rig/network.js';
import type { Person } from '../rig/person.js';
import { PagesOnly } from '../rig/proxy.js';
import { NO_RELAY, Relay } from '../rig/relay.js';
import { until } from '../rig/until.js';

let relay: Relay;
let withoutUdp: Relay;
let elsewhere: Record<string, string>;

beforeAll(async () => {
  [relay, withoutUdp] = await Promise.all([Relay.start(), Relay.start({ udp: false })]);
  elsewhere = await relay.offeredElsewhere();
});
afterAll(async () => {
  await Promise.all([relay.stop(), withoutUdp.stop()]);
});

/** Nothing that was opened for the check is open after it. */
async function leavesNothing(person: Person): Promise<void> {
  await person.untilSilent();
  expect(await person.probe('openConnections')).toBe(0);
}

journey('where everything works it says so, with figures, and leaves nothing open', async (world) => {
  const person = await visit(world);
  const { code, verdict, checks } = await examine(person);
  world.tell(Object.entries(checks).map(([name, { figures }]) => `${name}: ${figures.join(', ')}`).join('\n'));
  expect([code, verdict]).toEqual(['everything-works', 'Everything works.']);
  for (const name of ['relay-udp', 'relay-tcp', 'relay-tls']) {
    expect(checks[name]).toMatchObject({ status: 'ok', figures: expect.arrayContaining([expect.stringMatching(/ there and back$/)]) });
  }
  await leavesNothing(person);
}, { env: () => relay.offered() });

journey('the server’s own relay passes, over UDP and over TCP', async (world) => {
  const person = await visit(world);
  const { code, checks } = await examine(person);
  world.tell(Object.entries(checks).map(([name, { says, figures }]) => `${name}: ${says} ${figures.join(', ')}`).join('\n'));
  expect(code, JSON.stringify(checks)).toBe('everything-works');
  for (const name of ['relay-udp', 'relay-tcp']) expect(checks[name]?.status, name).toBe('ok');
  await leavesNothing(person);
});

journey('no microphone', async (world) => {
  await namedAs(world, 'mic-missing', 'Nobody will hear you: there is no microphone.', { microphone: 'missing' });
}, { env: NO_RELAY });

journey('the microphone is not allowed', async (world) => {
  await namedAs(world, 'mic-denied', 'Nobody will hear you: the microphone is not allowed.', { microphone: 'denied' });
}, { env: NO_RELAY });

journey('the microphone is silent', async (world) => {
  await namedAs(world, 'mic-silent', 'Nobody will hear you: the microphone is silent.', { microphone: 'silent' });
}, { env: NO_RELAY });

journey('nobody hears the tone', async (world) => {
  const person = await visit(world);
  expect((await examine(person, { heard: false })).code).toBe('speaker-unheard');
}, { env: NO_RELAY });

journey('the server is gone', async (world) => {
  const person = await visit(world);
  await world.server.kill();
  const { code, checks } = await examine(person);
  expect(code).toBe('server-unreachable');
  expect(checks['relay-udp']).toMatchObject({ status: 'skipped' });
}, { env: NO_RELAY });

journey('a proxy lets no WebSocket through', async (world) => {
  const proxy = await PagesOnly.to(world.server.port);
  world.origin = proxy.origin;
  const person = await visit(world);
  expect((await examine(person)).code).toBe('websocket-blocked');
  proxy.close();
}, { env: NO_RELAY });

journey('the server does not take guests', async (world) => {
  await namedAs(world, 'server-forbidden', 'No calls: the server does not let you in this way.');
}, { env: { ...NO_RELAY, TINCAN_SERVER__GUESTS: 'off' } });

journey('the server refuses the token', async (world) => {
  const before = async ({ chromium: { page } }: Person): Promise<void> => {
    await page.routeWebSocket(/\/ws$/, (fromPage) => {
      const toServer = fromPage.connectToServer();
      // As if the page had a token, and one of another server.
      fromPage.onMessage((text) => toServer.send(String(text).replace(/"guest":"[^"]*"/, '"token":"bad.bad.bad"')));
    });
  };
  await namedAs(world, 'token-refused', 'No calls: the server refuses who you are.', { before });
}, { env: NO_RELAY });

journey('UDP is blocked', async (world) => {
  await namedAs(world, 'udp-blocked', 'Calls work, but only through the relay: UDP is blocked here.');
}, { env: () => withoutUdp.offered() });

journey('no relay is reached', async (world) => {
  await namedAs(world, 'relay-unreachable', 'Many calls will fail: no relay can be reached from here.');
}, { env: () => elsewhere });

journey('the relay refuses the credentials', async (world) => {
  await namedAs(world, 'relay-refused', 'Many calls will fail: the relay refuses the credentials of this server.');
}, { env: () => relay.offered({ password: 'wrong' }) });

journey('many packets are lost', async (world) => {
  const person = await visit(world);
  const network = await Network.of(person);
  await network.spoil({ packetLoss: 10 });
  const { code, checks } = await examine(person);
  world.tell(checks['relay-udp']?.figures.join(', ') ?? '');
  expect(code).toBe('high-loss');
}, { env: () => relay.offered({ ways: ['udp'] }) });

journey('the way there and back takes long', async (world) => {
  const person = await visit(world);
  const network = await Network.of(person);
  await network.spoil({ latency: 150 });
  const { code, checks } = await examine(person);
  world.tell(checks['relay-udp']?.figures.join(', ') ?? '');
  expect(code).toBe('high-rtt');
}, { env: () => relay.offered({ ways: ['udp'] }) });

async function namedAs(world: World, code: string, verdict: string, who: Parameters<typeof visit>[1] = {}): Promise<void> {
  const person = await visit(world, who);
  const found = await examine(person);
  expect([found.code, found.verdict], JSON.stringify(found.checks)).toEqual([code, verdict]);
  await leavesNothing(person);
}

journey('a check that is stopped says so, and leaves nothing open', async (world) => {
  const person = await visit(world);
  await person.tab.click('#start');
  await until('a relay is tried', async () => (await diagnosis(person)).checks['relay-udp']?.status === 'running');
  await person.tab.click('#start');
  await until('it has stopped', async () => (await diagnosis(person)).code === 'stopped');
  await leavesNothing(person);
}, { env: () => relay.offered() });

journey('a check beside a call, as the same person, does not disturb it', async (world) => {
  const { a, b } = await talking(world);
  const beside = await world.enter({ as: 'A', beside: a, path: '/diagnostics.html?guest=clientA' });
  const { checks } = await examine(beside);
  expect(checks['server']?.status).toBe('ok');
  await Promise.all([a.hears(VOICE.B), b.hears(VOICE.A)]);
  for (const person of [a, b]) {
    expect(await person.see()).toMatchObject({ call: 'connected', server: 'registered' });
    expect(await person.probe('states')).not.toContain('reconnecting');
  }
}, { env: () => relay.offered({ ways: ['udp'] }) });

journey('Firefox passes the relay over UDP and over TCP', async (world) => {
  const person = await visit(world, { browser: 'firefox' });
  const { checks } = await examine(person);
  world.tell(Object.entries(checks).map(([name, { says, figures }]) => `${name}: ${says} ${figures.join(', ')}`).join('\n'));
  for (const name of ['server', 'relay-udp', 'relay-tcp']) expect(checks[name]?.status, name).toBe('ok');
  // Its microphone in tests is one even tone, and is recognised as that.
  expect(checks['microphone']?.says).toBe('It gives one even sound, whatever is said.');
  await leavesNothing(person);
}, { env: () => relay.offered({ ways: ['udp', 'tcp'] }) });

journey('the page needs no mouse, says aloud what it asks and finds, and gives a report without secrets', async (world) => {
  const person = await visit(world);
  await person.chromium.context.grantPermissions(['clipboard-read', 'clipboard-write', 'microphone']);
  await pressed(person, 'start');
  await until('it asks', () => person.tab.run(() => document.getElementById('question')?.hidden === false, null));
  await pressed(person, 'heard');
  await until('it has a verdict', async () => (await diagnosis(person)).code !== '');
  expect(person.clicks).toBe(0);
  const spoken = (await person.probe('spoken')).join('\n');
  for (const word of ['Speak now', 'Do you hear the tone?', 'Microphone: It hears you.', 'Relay over UDP: ', 'Everything works.']) expect(spoken).toContain(word);

  await pressed(person, 'copy');
  const text = await until('it is copied', () => person.tab.run(() => navigator.clipboard.readText(), null));
  expect(text).toContain('Everything works.');
  expect(text).toContain('turn:127.0.0.…');
  for (const secret of ['right', 'tester', '127.0.0.1']) expect(text).not.toContain(secret);
}, { env: () => relay.offered({ ways: ['udp'] }) });

journey('every state of the page is free of accessibility faults, in light and in dark, on a desk and on the smallest phone', async (world) => {
  const person = await visit(world, { look: { viewport: { width: 320, height: 640 } } });
  expect(await faults(person), 'before').toEqual([]);
  await person.tab.click('#start');
  await until('it asks', () => person.tab.run(() => document.getElementById('question')?.hidden === false, null));
  expect(await faults(person), 'asking').toEqual([]);
  await person.tab.click('#unheard');
  await until('it has a verdict', async () => (await diagnosis(person)).code !== '');
  await person.tab.click('#text summary');
  expect(await faults(person), 'done').toEqual([]);
  expect(await person.tab.run(() => document.documentElement.scrollWidth - innerWidth, null), 'nothing is cut off').toBeLessThanOrEqual(0);
  await person.chromium.page.setViewportSize({ width: 1280, height: 800 });
  expect(await faults(person), 'done, on a desk').toEqual([]);
}, { env: NO_RELAY });

const MOST_TABS = 12;

/** Goes to a button by the Tab key, and presses it. */
async function pressed(person: Person, id: string): Promise<void> {
  for (let n = 0; (await person.tab.run(() => document.activeElement?.id ?? '', null)) !== id; n += 1) {
    if (n === MOST_TABS) throw new Error(`${person.name} did not get to ${id} with ${MOST_TABS} tabs`);
    await person.tab.press('Tab');
  }
  await person.tab.press('Enter');
}

journey('a call that found no microphone leads to the check', async (world) => {
  const person = await world.enter({ as: 'A', microphone: 'missing' });
  await person.connect();
  await person.click('call');
  await until('the way to the check is shown', () => person.tab.run(() => document.getElementById('check')?.checkVisibility() ?? false, null));
  const href = await person.tab.run(() => document.querySelector<HTMLAnchorElement>('#check a')?.pathname, null);
  expect(href).toBe('/diagnostics.html');
}, { env: NO_RELAY });
