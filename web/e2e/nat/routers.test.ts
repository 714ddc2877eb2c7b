/** The routers are what their names say: without browsers, in a moment. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { end, start } from '../rig/processes.js';
import { Internet } from './internet.js';
import { Ipv6Router } from './ipv6.js';
import { Router, type RouterKind } from './router.js';

const ASKING = fileURLToPath(new URL('asking.mjs', import.meta.url));
const [HERE, THERE] = ['11.0.0.1', '11.0.0.2'];
const [ROUTER, MOVED] = ['11.0.1.1', '11.0.1.2'];

interface Found {
  /** The home's own port, and as which it is seen from two addresses; `null`: not at all. */
  readonly own: string;
  readonly first: string | null;
  readonly second: string | null;
  /** Whether a packet came in from an address that the home had not written to. */
  readonly unasked: boolean;
  /** TCP ports that the home can reach, of 443 and 3478. */
  readonly tcp: readonly number[];
}

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

async function behind(kind: RouterKind): Promise<{ router: Router; ask: () => Found }> {
  return around([HERE, THERE], (internet) => new Router(internet, 'router', kind, ROUTER));
}

/** A public machine with two addresses, and a home behind a router. */
async function around<R extends Router | Ipv6Router>(addresses: readonly string[], make: (internet: Internet) => R): Promise<{ router: R; ask: () => Found }> {
  const internet = new Internet();
  const [server, home] = [internet.machine('public'), internet.machine('home')];
  internet.connect(server, ...addresses);
  const router = make(internet);
  router.connect(home, 10);
  const run = (through: readonly string[], role: string): [string, string[]] => [through[0]!, [...through.slice(1), process.execPath, ASKING, role, ...addresses]];
  const answering = start(...run(server.through, 'answer'), { stdio: ['ignore', 'pipe', 'inherit'] });
  close = async () => {
    await end(answering);
    internet.remove();
  };
  await once(answering.stdout!, 'data');
  return { router, ask: () => JSON.parse(execFileSync(...run(home.through, 'ask')).toString()) as Found };
}

test('a cone shows everyone the same port, and lets nobody in unasked', async () => {
  const { ask } = await behind('cone');
  const { own, first, second, unasked, tcp } = ask();
  expect([first, second, unasked]).toEqual([own, own, false]);
  expect(tcp).toEqual([443, 3478]);
});

test('a full cone lets everyone in who knows the port', async () => {
  const { ask } = await behind('fullcone');
  const { own, first, second, unasked } = ask();
  expect([first, second, unasked]).toEqual([own, own, true]);
});

test('a symmetric router shows each another port, and lets nobody in unasked', async () => {
  const { ask } = await behind('symmetric');
  const { own, first, second, unasked, tcp } = ask();
  expect(new Set([own, first, second]).size).toBe(3);
  expect([first, second]).not.toContain(null);
  expect(unasked).toBe(false);
  expect(tcp).toEqual([443, 3478]);
});

test('where UDP is blocked, TCP is not', async () => {
  const { ask } = await behind('udp-blocked');
  expect(ask()).toMatchObject({ first: null, second: null, tcp: [443, 3478] });
});

test('where only TCP to port 443 is allowed, nothing else passes', async () => {
  const { ask } = await behind('tcp443');
  expect(ask()).toMatchObject({ first: null, second: null, tcp: [443] });
});

test('with IPv6 a home has its own address and port in the world, and lets nobody in unasked', async () => {
  const { ask } = await around(['2d00::1', '2d00::2'], (internet) => new Ipv6Router(internet, 'router', 1));
  const { own, first, second, unasked, tcp } = ask();
  expect([first, second, unasked]).toEqual([own, own, false]);
  expect(tcp).toEqual([443, 3478]);
});

test('behind a router that got another address everything works again', async () => {
  const { router, ask } = await behind('cone');
  ask();
  router.moveTo(MOVED);
  expect(ask()).toMatchObject({ first: '3478', second: '3478', tcp: [443, 3478] });
});
