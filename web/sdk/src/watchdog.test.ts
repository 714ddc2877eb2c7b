import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pass } from './testing/fake-platform.js';
import { Watchdog } from './watchdog.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A watchdog over counters that move as long as `flows` and `checks` say so. */
function make() {
  const world = { flows: true, checks: true, online: true };
  const log: string[] = [];
  const since = Date.now();
  const note = (what: string) => void log.push(`${(Date.now() - since) / 1000} ${what}`);
  let packets = 0;
  let responses = 0;
  const watchdog = new Watchdog({
    stats: async () => {
      if (world.flows) packets += 25;
      if (world.checks) responses += 1;
      return new Map<string, unknown>([
        ['in', { id: 'in', type: 'inbound-rtp', kind: 'audio', packetsReceived: packets }],
        ['pair', { id: 'pair', type: 'candidate-pair', bytesReceived: packets * 80, responsesReceived: responses }],
      ]);
    },
    canRestart: () => world.online,
    restart: () => note('restart'),
    onLost: (cause) => note(`lost ${cause}`),
    onBack: (afterMs) => note(`back after ${afterMs / 1000}`),
    onGiveUp: () => note('given up'),
  });
  watchdog.start();
  const cut = () => Object.assign(world, { flows: false, checks: false });
  return { world, log, watchdog, cut };
}

test('1.5 s without anything make the call reconnecting, and ICE restarts at once and then 1, 2, 4, 8, 8 s later', async () => {
  const { log, cut } = make();
  cut();
  await pass(36_000);
  expect(log).toEqual([
    '1.5 lost silence',
    '1.5 restart',
    '2.5 restart',
    '4.5 restart',
    '8.5 restart',
    '16.5 restart',
    '24.5 restart',
    '32.5 restart',
  ]);
});

test('it gives up 45 s after sound was lost, and then does nothing more', async () => {
  const { log, cut } = make();
  cut();
  await pass(100_000);
  expect(log.at(-1)).toBe('46.5 given up');
  expect(vi.getTimerCount()).toBe(0);
});

test('sound that comes back ends the search', async () => {
  const { world, log, cut } = make();
  cut();
  await pass(3_700);
  Object.assign(world, { flows: true, checks: true });
  await pass(60_000);
  expect(log.slice(-1)).toEqual(['4 back after 2.5']);
});

test('silence of the other side is no loss as long as the path is checked', async () => {
  const { world, log } = make();
  world.flows = false;
  await pass(60_000);
  expect(log).toEqual([]);
});

test('answered checks alone are not sound that is back', async () => {
  const { world, log, cut } = make();
  cut();
  await pass(4_000);
  world.checks = true;
  await pass(2_000);
  expect(log.some((line) => line.includes('back'))).toBe(false);
});

test('without the server no restart is tried, and at its return one is made at once', async () => {
  const { world, log, watchdog, cut } = make();
  cut();
  world.online = false;
  await pass(10_200);
  expect(log).toEqual(['1.5 lost silence']);
  world.online = true;
  watchdog.signalingBack();
  expect(log.at(-1)).toBe('10.2 restart');
});

test('what the other side misses is answered by a restart each time that it says so, and is no loss here', async () => {
  const { log, watchdog } = make();
  await pass(1_000);
  watchdog.missed(true);
  await pass(2_000);
  watchdog.missed(true);
  await pass(10_000);
  watchdog.missed(false);
  watchdog.signalingBack();
  expect(log).toEqual(['1 restart', '3 restart']);
});

test('what the other side misses waits for the server, and is forgotten once it is there again', async () => {
  const { world, log, watchdog } = make();
  world.online = false;
  await pass(1_000);
  watchdog.missed(true);
  await pass(4_000);
  expect(log).toEqual([]);
  world.online = true;
  watchdog.signalingBack();
  await pass(1_000);
  watchdog.missed(false);
  watchdog.signalingBack();
  expect(log).toEqual(['5 restart']);
});

test('a loss that both sides notice does not double the restarts', async () => {
  const { log, watchdog, cut } = make();
  cut();
  // The other side's watchdog, 0.6 s after ours.
  for (const at of [2.1, 3.1, 5.1, 9.1, 17.1, 25.1]) setTimeout(() => watchdog.missed(true), at * 1_000);
  await pass(30_000);
  expect(log.filter((line) => line.endsWith('restart')).length).toBeLessThanOrEqual(9);
});

test('a connection that failed is restarted at once', async () => {
  const { log, watchdog } = make();
  await pass(1_000);
  watchdog.failed();
  expect(log).toEqual(['1 lost failed', '1 restart']);
});

test('one that fails again while sound is gone is restarted at the pace of before, not each time', async () => {
  const { log, watchdog, cut } = make();
  cut();
  await pass(1_600);
  for (let n = 0; n < 6; n += 1) {
    watchdog.failed();
    await pass(500);
  }
  expect(log.filter((line) => line.endsWith('restart'))).toEqual(['1.5 restart', '2.5 restart', '4.5 restart']);
});

test('after a change of the network 1 s of silence is enough', async () => {
  const { log, watchdog, cut } = make();
  await pass(1_000);
  cut();
  watchdog.networkChanged();
  await pass(1_500);
  expect(log).toEqual(['2 lost silence', '2 restart']);
});

test('hints that come in a bunch make one restart', async () => {
  const { log, watchdog, cut } = make();
  cut();
  await pass(1_600);
  watchdog.failed();
  watchdog.networkChanged();
  watchdog.signalingBack();
  expect(log.filter((line) => line.endsWith('restart'))).toHaveLength(1);
});

test('statistics that fail count as silence', async () => {
  const lost: string[] = [];
  const watchdog = new Watchdog({
    stats: () => Promise.reject(new Error('closed')),
    canRestart: () => true,
    restart: () => {},
    onLost: (cause) => lost.push(cause),
    onBack: () => {},
    onGiveUp: () => {},
  });
  watchdog.start();
  await pass(1_500);
  expect(lost).toEqual(['silence']);
  watchdog.stop();
  expect(vi.getTimerCount()).toBe(0);
});
