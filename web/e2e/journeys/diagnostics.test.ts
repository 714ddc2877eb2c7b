/** The diagnostics page names what is wrong. Each fault is made for real: in the browser, on the network, at the relay. */
import { afterAll, beforeAll, expect } from 'vitest';
import { diagnosis, examine, visit } from '../rig/doctor.js';
import { journey, type World } from '../rig/journey.js';
import { Network } from '../rig/network.js';
import type { Person } from '../rig/person.js';
import { PagesOnly } from '../rig/proxy.js';
import { Relay } from '../rig/relay.js';
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

journey('no microphone', async (world) => {
  await namedAs(world, 'mic-missing', 'Nobody will hear you: there is no microphone.', { microphone: 'missing' });
});

journey('the microphone is not allowed', async (world) => {
  await namedAs(world, 'mic-denied', 'Nobody will hear you: the microphone is not allowed.', { microphone: 'denied' });
});

journey('the microphone is silent', async (world) => {
  await namedAs(world, 'mic-silent', 'Nobody will hear you: the microphone is silent.', { microphone: 'silent' });
});

journey('nobody hears the tone', async (world) => {
  const person = await visit(world);
  expect((await examine(person, { heard: false })).code).toBe('speaker-unheard');
});

journey('the server is gone', async (world) => {
  const person = await visit(world);
  await world.server.kill();
  const { code, checks } = await examine(person);
  expect(code).toBe('server-unreachable');
  expect(checks['relay-udp']).toMatchObject({ status: 'skipped' });
});

journey('a proxy lets no WebSocket through', async (world) => {
  const proxy = await PagesOnly.to(world.server.port);
  world.origin = proxy.origin;
  const person = await visit(world);
  expect((await examine(person)).code).toBe('websocket-blocked');
  proxy.close();
});

journey('the server does not take guests', async (world) => {
  await namedAs(world, 'server-forbidden', 'No calls: the server does not let you in this way.');
}, { env: { TINCAN_SERVER__GUESTS: 'off' } });

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
