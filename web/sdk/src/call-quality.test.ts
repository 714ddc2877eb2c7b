import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connected } from './testing/calls.js';
import { pass } from './testing/fake-platform.js';
import { fromServer } from './testing/from-server.js';
import type { Quality } from './types.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const reports = ({ server }: Awaited<ReturnType<typeof connected>>) => server.sent('call-quality').map(({ data }) => data);

test('a call says how good it is, while it lasts and afterwards', async () => {
  const { call, flowing } = await connected();
  const seen: Quality[] = [];
  const states: string[] = [];
  call.on('quality', (quality) => {
    seen.push(quality);
    states.push(call.state);
  });
  expect(call.quality).toBeUndefined();
  await pass(2_000);
  expect([seen.length, call.quality?.bars]).toEqual([1, 4]);
  flowing.stop();
  await pass(3_500);
  expect(states).toEqual(['connected', 'reconnecting']);
  expect(call.quality).toMatchObject({ bars: 0, sentence: '' });
  call.hangup();
  expect(call.quality?.bars).toBe(0);
});

test('the last report comes when we hang up, and when the other side does', async () => {
  const ours = await connected();
  await pass(5_000);
  ours.call.hangup();
  expect(reports(ours)).toMatchObject([{ samples: 5, path: 'unknown', cause: 'none' }]);
  const theirs = await connected();
  await pass(5_000);
  theirs.server.send(fromServer.ended(theirs.call.id, { by: 'bob/phone' }));
  expect(reports(theirs)).toMatchObject([{ samples: 5 }]);
  const direct = await connected();
  await pass(5_000);
  direct.pc().channel.hear({ type: 'hangup', reason: 'hung_up' });
  expect(reports(direct)).toMatchObject([{ samples: 5 }]);
});

test('a page that goes away reports, too', async () => {
  const made = await connected();
  await pass(5_000);
  made.window.dispatchEvent(new Event('pagehide'));
  expect(reports(made)).toHaveLength(1);
});

test('a report that the server refuses is no trouble of the call', async () => {
  const { call, server } = await connected();
  const troubles: unknown[] = [];
  call.on('error', (error) => troubles.push(error));
  call.on('warning', (warning) => troubles.push(warning));
  await pass(30_000);
  const re = server.sent('call-quality')[0]!.id!;
  for (const code of ['unknown_type', 'no_such_call', 'rate_limited'] as const) {
    server.send({ type: 'error', re, call: call.id, data: { code, message: '' } });
  }
  expect([troubles, call.state]).toEqual([[], 'connected']);
});

test('a server that does not know the call gets no reports about it', async () => {
  const made = await connected();
  made.server.send(fromServer.error(made.call.id, { code: 'no_such_call' }));
  await pass(60_000);
  expect(reports(made)).toEqual([]);
});

test('how the other side hears us is known, and it is told how we hear it', async () => {
  const { call, pc } = await connected();
  await pass(1_000);
  pc().channel.hear({ type: 'quality', bars: 1 });
  expect(call.quality).toMatchObject({ bars: 4, remoteBars: 1, cause: 'own_network' });
  expect(pc().channel.said('quality')).toEqual([{ type: 'quality', bars: 4 }]);
});
