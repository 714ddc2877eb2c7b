import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Credentials } from './credentials.js';
import { Session } from './session.js';
import { fakePlatform, pass, settle } from './testing/fake-platform.js';
import { FakeServer } from './testing/fake-server.js';
import { fromServer } from './testing/from-server.js';
import type { DeviceOptions } from './types.js';
import type { ServerFrame } from './wire.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function make(identity: Pick<DeviceOptions, 'token' | 'guest'> = { guest: 'alice' }) {
  const server = new FakeServer();
  const session = new Session({
    url: 'wss://calls.example/ws',
    device: 'web',
    credentials: new Credentials(identity),
    platform: fakePlatform(server),
  });
  const frames: ServerFrame[] = [];
  const lost: number[] = [];
  session.on('frame', (frame) => frames.push(frame));
  session.on('lost', ({ inMs }) => lost.push(inMs));
  return { server, session, frames, lost };
}

async function open(identity?: Pick<DeviceOptions, 'token' | 'guest'>) {
  const made = make(identity);
  made.session.open();
  await settle();
  made.server.open();
  made.server.welcome();
  return made;
}

const cancel = (call: string) => ({ type: 'call-cancel', call }) as const;

test('the first frame is hello, and the subprotocol is tincan.v2', async () => {
  const { server } = await open();
  expect(server.socket.protocol).toBe('tincan.v2');
  expect(server.socket.sent[0]).toEqual({ type: 'hello', data: { guest: 'alice', device: 'web' } });
});

test('frames given before the connection is open are sent after welcome, numbered from 1', async () => {
  const { server, session } = make();
  session.open();
  session.send(cancel('a'));
  await settle();
  server.open();
  expect(server.numbered()).toEqual([]);
  server.welcome();
  expect(server.numbered()).toMatchObject([{ call: 'a', seq: 1 }]);
});

test('a resume sends again what the server does not have, and nothing else', async () => {
  const { server, session } = await open();
  for (const call of ['a', 'b', 'c']) session.send(cancel(call));
  server.close();
  session.send(cancel('d'));
  await settle();
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { resume: { session: 's1', secret: 'secret1', ack: 0 } } });
  server.welcome({ resumed: true, ack: 2 });
  expect(server.numbered()).toMatchObject([
    { call: 'c', seq: 3 },
    { call: 'd', seq: 4 },
  ]);
});

test('every welcome brings the secret of the next resume', async () => {
  const { server } = await open();
  server.close();
  await settle();
  server.open();
  server.welcome({ resumed: true, ack: 0 });
  server.close();
  await pass(300);
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { resume: { secret: 'secret2' } } });
});

test('a server that lost the session gets only what is safe to repeat, numbered from 1', async () => {
  const { server, session } = await open();
  session.send({ type: 'call-accept', call: 'a' });
  session.send({ type: 'offer', call: 'a', data: { type: 'offer', sdp: '' } });
  session.send({ type: 'candidates', call: 'a', data: [null] });
  session.send({ type: 'call-update', call: 'a', data: { muted: true } });
  session.send({ type: 'hangup', call: 'b', data: { reason: 'hung_up' } });
  const resent: string[][] = [];
  session.on('welcome', (event) => resent.push([...event.resent]));
  server.close();
  await settle();
  server.open();
  server.welcome({ resumed: false });
  expect(server.numbered()).toMatchObject([
    { type: 'call-accept', call: 'a', seq: 1 },
    { type: 'hangup', call: 'b', seq: 2 },
  ]);
  expect(resent).toEqual([['a', 'b']]);
});

test('a frame sent again keeps its name, so that an error still finds it', async () => {
  const { server, session } = await open();
  const id = session.send(cancel('a'));
  server.close();
  await settle();
  server.open();
  server.welcome();
  expect(server.numbered()[0]?.id).toBe(id);
});

test('a frame that comes twice is delivered once', async () => {
  const { server, frames } = await open();
  server.send(fromServer.ringing('a'));
  server.raw({ ...fromServer.ringing('a'), seq: 1 });
  expect(frames).toHaveLength(1);
});

test('a gap closes the connection and resumes', async () => {
  const { server, frames } = await open();
  server.raw({ ...fromServer.ringing('a'), seq: 2 });
  expect(frames).toEqual([]);
  expect(server.socket.closedWith).toBe(4000);
  await settle();
  expect(server.sockets).toHaveLength(2);
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { resume: { ack: 0 } } });
});

test('a frame without a number that is not known here is of a later server, and leaves no gap', async () => {
  const { server, frames } = await open();
  server.raw({ type: 'weather', data: 'fair' });
  server.send(fromServer.ringing('a'));
  expect([frames.length, server.sockets.length]).toEqual([1, 1]);
});

test('a frame that the server cannot take is not sent again: a new session, after a pause', async () => {
  const { server, session, lost } = await open();
  session.send(cancel('a'));
  server.close(1009);
  expect(lost).toEqual([7_000]);
  await pass(7_000);
  server.open();
  expect(server.socket.sent).toEqual([{ type: 'hello', data: { guest: 'alice', device: 'web' } }]);
  server.welcome();
  expect(server.numbered()).toEqual([]);
});

test('a frame is acknowledged within 500 ms, or at every 16th', async () => {
  const { server } = await open();
  server.send(fromServer.ringing('a'));
  await pass(499);
  expect(server.sent('ack')).toEqual([]);
  await pass(1);
  expect(server.sent('ack')).toEqual([{ type: 'ack', ack: 1 }]);
  for (let i = 0; i < 16; i += 1) server.send(fromServer.ringing('a'));
  expect(server.sent('ack').at(-1)).toEqual({ type: 'ack', ack: 17 });
});

test('a frame of ours carries the acknowledgement, and then none is sent for itself', async () => {
  const { server, session } = await open();
  server.send(fromServer.ringing('a'));
  session.send(cancel('a'));
  expect(server.numbered()[0]).toMatchObject({ ack: 1 });
  await pass(1000);
  expect(server.sent('ack')).toEqual([]);
});

test('attempts follow the back-off', async () => {
  const { server, session, lost } = make();
  session.open();
  for (let i = 0; i < 7; i += 1) {
    await settle();
    server.close();
    await pass(lost.at(-1)!);
  }
  expect(lost).toEqual([0, 300, 1000, 2000, 4000, 7000, 7000]);
});

test('a connection that flaps does not reset the back-off, one that lasted does', async () => {
  const { server, lost } = await open();
  server.close();
  await settle();
  server.open();
  server.welcome({ resumed: true });
  server.close();
  expect(lost).toEqual([0, 300]);
  await pass(300);
  server.open();
  server.welcome({ resumed: true });
  await pass(5_000);
  server.close();
  expect(lost).toEqual([0, 300, 0]);
});

test('the online event connects at once', async () => {
  const { server, session } = make();
  session.open();
  await settle();
  server.close();
  await settle();
  server.close();
  expect(server.sockets).toHaveLength(2);
  session.nudge();
  await settle();
  expect(server.sockets).toHaveLength(3);
});

test('after 20 s of quiet the client asks, and after 10 s more it reconnects', async () => {
  const { server } = await open();
  await pass(20_000);
  expect(server.sent('ping')).toHaveLength(1);
  await pass(9_999);
  expect(server.sockets).toHaveLength(1);
  await pass(2);
  expect(server.sockets.map((socket) => socket.closedWith)).toEqual([4000, undefined]);
});

test('a pong keeps the connection', async () => {
  const { server } = await open();
  await pass(20_000);
  server.raw({ type: 'pong' });
  await pass(15_000);
  expect(server.sockets).toHaveLength(1);
});

test('a server that never says welcome is given up after 10 s', async () => {
  const { server, session } = make();
  session.open();
  await settle();
  server.open();
  await pass(10_001);
  expect(server.sockets).toHaveLength(2);
});

test('goaway reconnects at the time the server said, and resumes', async () => {
  const { server } = await open();
  server.raw({ type: 'goaway', data: { reconnect_in_ms: 420 } });
  await pass(419);
  expect(server.sockets).toHaveLength(1);
  await pass(1);
  // The server keeps the session of a connection that is closed with 4000, and forgets that of one closed with 1000.
  expect(server.sockets.map((socket) => socket.closedWith)).toEqual([4000, undefined]);
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { resume: { session: 's1' } } });
});

test('a connection that closes before the time of goaway is not reconnected earlier', async () => {
  const { server, lost } = await open();
  server.raw({ type: 'goaway', data: { reconnect_in_ms: 2_000 } });
  await pass(500);
  server.close(1012);
  expect(lost).toEqual([1_500]);
});

test.each([4503, 4509, 4520])('after %i it stays away', async (code) => {
  const { server, session } = await open();
  const refused: string[] = [];
  session.on('refused', (error) => refused.push(error.code));
  server.close(code);
  await pass(60_000);
  expect(server.sockets).toHaveLength(1);
  expect(refused).toHaveLength(1);
});

test('a refused token is fetched anew once, then the session gives up', async () => {
  const reasons: string[] = [];
  const { server, session } = make({ token: async ({ reason }) => (reasons.push(reason), `t${reasons.length}`) });
  const refused: string[] = [];
  session.on('refused', (error) => refused.push(error.code));
  session.open();
  await settle();
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { token: 't1' } });
  server.close(4501);
  await settle();
  server.open();
  expect(server.socket.sent[0]).toMatchObject({ data: { token: 't2' } });
  server.close(4501);
  expect(reasons).toEqual(['start', 'rejected']);
  expect(refused).toEqual(['unauthorized']);
});

test('a token that ends soon is not used for a new connection', async () => {
  const jwt = (exp: number) => `x.${btoa(JSON.stringify({ exp }))}.x`;
  const reasons: string[] = [];
  const { server } = await open({
    token: async ({ reason }) => (reasons.push(reason), jwt(Date.now() / 1000 + 60)),
  });
  await pass(10_000);
  server.close();
  await settle();
  expect(reasons).toEqual(['start']);
  server.close();
  await pass(30_000);
  expect(reasons[1]).toBe('expiring');
});

test('a token function that fails is asked again later', async () => {
  let calls = 0;
  const { server, session, lost } = make({
    token: async () => {
      if ((calls += 1) === 1) throw new Error('down');
      return 't';
    },
  });
  session.open();
  await pass(0);
  expect(lost).toEqual([0]);
  await settle();
  expect(server.sockets).toHaveLength(1);
});

test('close leaves no timer and says goodbye', async () => {
  const { server, session } = await open();
  server.send(fromServer.ringing('a'));
  session.close();
  expect(server.socket.closedWith).toBe(1000);
  expect(vi.getTimerCount()).toBe(0);
});

test('an old connection that still speaks is not heard', async () => {
  const { server, frames } = await open();
  const old = server.socket;
  server.close();
  await settle();
  old.onmessage?.({ data: JSON.stringify({ ...fromServer.ringing('a'), seq: 1 }) });
  expect(frames).toEqual([]);
});
