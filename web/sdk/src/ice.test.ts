import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connected, connectedCallee, ID } from './testing/calls.js';
import { pass, registered, settle } from './testing/fake-platform.js';
import type { Bench } from './testing/fake-platform.js';
import { BOB, fromServer } from './testing/from-server.js';
import type { DeviceOptions } from './types.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const asked = ({ server }: Pick<Bench, 'server'>) => server.sent('ice-servers-request');
const turn = (name: string) => [{ urls: `turn:${name}`, username: 'u', credential: 'c' }];

/** The server's answer to the latest question. */
function respond(bench: Pick<Bench, 'server'>, name: string, relay_only = false): void {
  const re = asked(bench).at(-1)!.id!;
  bench.server.send({ type: 'ice-servers-response', re, data: { iceServers: turn(name), relay_only, ttl_s: 600 } });
}

/** A call of ours that was just accepted. */
async function accepted(options: Partial<DeviceOptions> = {}, relayOnly = false) {
  const bench = await registered({ iceServers: 'server', ...options });
  const call = await bench.device.connect({ to: 'bob' });
  respond(bench, 'first', relayOnly);
  bench.server.send(fromServer.accept(call.id));
  await settle();
  return { ...bench, call };
}

/** The same, with sound. */
async function talking(options: Partial<DeviceOptions> = {}, relayOnly = false) {
  const made = await accepted(options, relayOnly);
  const { server, call, pc } = made;
  server.send({ type: 'answer', call: call.id, from: BOB, data: { type: 'answer', sdp: 'a=ice-ufrag:one', n: 1 } });
  await settle();
  pc().become('connected');
  return made;
}

test('ICE servers are asked for by the call’s id, when it begins and when it is accepted', async () => {
  const { call, ...bench } = await accepted();
  expect(asked(bench)).toMatchObject([{ call: call.id }]);
  expect(asked(bench)[0]).not.toHaveProperty('data');
  expect(bench.pc().config).toEqual({ iceServers: turn('first'), bundlePolicy: 'max-bundle', iceTransportPolicy: 'all' });
  const callee = await registered({ iceServers: 'server' });
  callee.server.send(fromServer.request(ID));
  void callee.device.calls[0]!.accept();
  await settle();
  expect(asked(callee)).toMatchObject([{ call: ID }]);
});

test('a server of before relays, which says nothing of hiding, is taken at its word', async () => {
  const bench = await registered({ iceServers: 'server' });
  const call = await bench.device.connect({ to: 'bob' });
  bench.server.raw({ type: 'ice-servers-response', re: asked(bench)[0]!.id, data: { iceServers: [] }, seq: 1 });
  bench.server.raw({ ...fromServer.accept(call.id), seq: 2 });
  await settle();
  expect(bench.pc().config).toMatchObject({ iceServers: [], iceTransportPolicy: 'all' });
});

test('two users who ring each other get servers for the call that goes on', async () => {
  const bench = await registered({ iceServers: 'server' });
  const call = await bench.device.connect({ to: 'bob' });
  respond(bench, 'given up');
  bench.server.send(fromServer.ended(call.id, { reason: 'glare', call: ID }));
  bench.server.send(fromServer.accept(ID));
  await settle();
  expect(asked(bench).map(({ call: id }) => id)).toEqual([expect.not.stringMatching(ID), ID]);
  respond(bench, 'goes on');
  await settle();
  expect(bench.pc().config.iceServers).toEqual(turn('goes on'));
});

test('a restart waits for fresh servers, sets them, and then offers', async () => {
  const made = await talking();
  made.pc().become('failed');
  await settle();
  expect([asked(made).length, made.pc().offers.length]).toEqual([2, 1]);
  respond(made, 'fresh');
  await settle();
  expect(made.pc().offers).toEqual([{ iceRestart: false }, { iceRestart: true }]);
  expect(made.pc().config).toMatchObject({ iceServers: turn('fresh'), iceTransportPolicy: 'all' });
});

test('a restart waits no longer than a second for them, and goes on with those of before', async () => {
  const made = await talking();
  made.pc().become('failed');
  await pass(999);
  expect(made.pc().offers).toHaveLength(1);
  await pass(1);
  expect(made.pc().offers).toHaveLength(2);
  expect(made.pc().config.iceServers).toEqual(turn('first'));
});

test('servers that the browser does not take leave those of before in use', async () => {
  const made = await talking();
  made.pc().setConfiguration = () => {
    throw new DOMException('', 'SyntaxError');
  };
  made.pc().become('failed');
  await settle();
  respond(made, 'nonsense');
  await settle();
  expect([made.pc().offers.length, made.pc().config.iceServers]).toEqual([2, turn('first')]);
});

test('the callee gets fresh servers before it takes the offer of a restart, and not for another offer', async () => {
  const bench = await registered({ iceServers: 'server' });
  bench.server.send(fromServer.request(ID));
  const accepting = bench.device.calls[0]!.accept();
  respond(bench, 'first');
  await accepting;
  bench.server.send(fromServer.accept(ID));
  const offer = async (ufrag: string, n: number) => {
    bench.server.send({ type: 'offer', call: ID, from: BOB, data: { type: 'offer', sdp: `a=ice-ufrag:${ufrag}`, n } });
    await settle();
  };
  await offer('one', 1);
  await offer('one', 2);
  expect([asked(bench).length, bench.server.sent('answer').length]).toEqual([1, 2]);
  await offer('two', 3);
  expect([asked(bench).length, bench.pc().remoteDescription?.sdp]).toEqual([2, 'a=ice-ufrag:one']);
  respond(bench, 'fresh');
  await settle();
  expect([bench.pc().config.iceServers, bench.pc().remoteDescription?.sdp]).toEqual([turn('fresh'), 'a=ice-ufrag:two']);
  expect(bench.server.sent('answer')).toHaveLength(3);
});

test('a fixed list is used as it is, and nobody is asked', async () => {
  const made = await connected();
  made.pc().become('failed');
  await settle();
  expect([asked(made).length, made.pc().offers.length]).toEqual([0, 2]);
  const callee = await connectedCallee();
  expect(asked(callee)).toEqual([]);
});

const host = 'candidate:1 1 udp 2122260223 192.168.1.2 54400 typ host';
const relay = (related: string) => `candidate:2 1 udp 41885439 198.51.100.1 50000 typ relay raddr ${related}`;
const found = (candidate: string) => ({ candidate: { candidate, toJSON: () => ({ candidate, sdpMid: '0' }) } });

test.each<[string, Partial<DeviceOptions>, boolean]>([
  ['the server says so', {}, true],
  ['the device wants it', { relayOnly: true }, false],
])('where %s, only a relay is used and no address is told', async (_, options, saidByServer) => {
  const { pc, server } = await accepted(options, saidByServer);
  expect(asked({ server })[0]?.['data']).toEqual(options.relayOnly ? { relay_only: true } : undefined);
  expect(pc().config.iceTransportPolicy).toBe('relay');
  pc().onicecandidate?.(found(host));
  pc().onicecandidate?.(found(relay('203.0.113.9 rport 54400')));
  pc().onicecandidate?.({ candidate: null });
  expect(server.sent('candidates').map(({ data }) => data)).toEqual([
    [{ candidate: relay('0.0.0.0 rport 0'), sdpMid: '0' }, null],
  ]);
});

test('a device that hides its addresses does so also if the server does not reply', async () => {
  const bench = await registered({ iceServers: 'server', relayOnly: true });
  const call = await bench.device.connect({ to: 'bob' });
  bench.server.send(fromServer.accept(call.id));
  await pass(10_000);
  expect(bench.pc().config).toMatchObject({ iceServers: [], iceTransportPolicy: 'relay' });
});

test('a call that hides addresses goes on to do so, whatever a later answer says', async () => {
  const made = await talking({}, true);
  made.pc().become('failed');
  await settle();
  respond(made, 'fresh', false);
  await settle();
  expect(made.pc().config).toMatchObject({ iceServers: turn('fresh'), iceTransportPolicy: 'relay' });
});

test('what hides addresses hides them in the offer as well', async () => {
  const { pc, server } = await talking({}, true);
  pc().createOffer = async () => ({ type: 'offer', sdp: `c=IN IP4 192.168.1.2\r\na=${host}\r\n` });
  pc().become('failed');
  await settle();
  respond({ server }, 'fresh', true);
  await settle();
  expect(server.sent('offer').at(-1)?.['data']).toMatchObject({ sdp: 'c=IN IP4 0.0.0.0\r\n' });
});
