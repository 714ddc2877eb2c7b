import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ID, code, connected, connectedCallee, flow, incoming, outgoing, restart } from './testing/calls.js';
import { pass, settle } from './testing/fake-platform.js';
import { fromServer } from './testing/from-server.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the caller hears the truth step by step, and offers only after the accept', async () => {
  const { call, server, pc } = await outgoing();
  const states: string[] = [];
  const rang: string[] = [];
  call.on('state', ({ to }) => states.push(to));
  call.on('ringing', ({ device }) => rang.push(device));
  server.send(fromServer.delivered(call.id, 2));
  server.send(fromServer.ringing(call.id));
  server.send(fromServer.ringing(call.id, 'bob/web'));
  await settle();
  expect(server.sent('offer')).toEqual([]);
  server.send(fromServer.accept(call.id));
  await settle();
  expect(server.sent('offer')).toMatchObject([{ call: call.id, data: { type: 'offer', n: 1 } }]);
  pc().become('connected');
  expect(states).toEqual(['delivered', 'ringing', 'negotiating', 'connected']);
  expect(rang).toEqual(['bob/phone', 'bob/web']);
  expect(server.sent('call-update')).toMatchObject([{ data: { media: 'connected' } }]);
});

test('the caller hears how many devices have the request, again when there are more', async () => {
  const { call, server } = await outgoing();
  const heard: unknown[] = [];
  call.on('state', ({ to }) => heard.push([to, call.devices]));
  call.on('delivered', ({ devices }) => heard.push(devices));
  expect(call.devices).toBe(0);
  server.send(fromServer.delivered(call.id));
  server.send(fromServer.delivered(call.id, 2));
  expect(heard).toEqual([['delivered', 1], 1, 2]);
  expect(call.devices).toBe(2);
});

test('the microphone of a callee opens on accept and not before, and only then is the accept sent', async () => {
  const { call, server, mic } = await incoming();
  await pass(5_000);
  expect(mic.asked).toEqual([]);
  const accepting = call.accept();
  expect(call.state).toBe('accepting');
  expect(mic.asked).toHaveLength(1);
  expect(server.sent('call-accept')).toEqual([]);
  await accepting;
  expect(server.sent('call-accept')).toHaveLength(1);
});

test('a callee waits for the offer and answers it', async () => {
  const { call, server, pc } = await incoming();
  await call.accept();
  server.send(fromServer.accept(ID));
  // Frames that come before the peer connection exists are not lost.
  server.send({ type: 'offer', call: ID, from: 'bob/phone', data: { type: 'offer', sdp: 'o', n: 1 } });
  server.send({ type: 'candidates', call: ID, from: 'bob/phone', data: [{ candidate: 'x' }, null] });
  await settle();
  expect(server.sent('offer')).toEqual([]);
  expect(server.sent('answer')).toMatchObject([{ data: { type: 'answer', n: 1 } }]);
  expect(pc().candidates).toEqual([{ candidate: 'x' }]);
});

test('a microphone that fails on accept lets it ring on, and accept can be tried again', async () => {
  const { call, server, mic } = await incoming();
  mic.fail = 'NotAllowedError';
  expect(await code(call.accept())).toBe('mic-denied');
  expect(call.state).toBe('incoming');
  expect(server.sent('call-accept')).toEqual([]);
  mic.fail = undefined;
  await call.accept();
  expect(call.state).toBe('accepting');
});

test('a call that ends while the microphone opens releases it and accepts nothing', async () => {
  const { call, server, mic } = await incoming();
  const accepting = code(call.accept());
  server.send(fromServer.ended(ID, { reason: 'cancelled', by: 'bob/phone' }));
  expect(await accepting).toBe('call-ended');
  expect(mic.tracks.every((track) => track.stopped)).toBe(true);
  expect(server.sent('call-accept')).toEqual([]);
  expect(await call.ended).toMatchObject({ reason: 'cancelled', by: 'remote', talkMs: 0 });
});

test('an accept that came too late is answered elsewhere', async () => {
  const { call, server, mic } = await incoming();
  await call.accept();
  server.send(fromServer.error(ID, { code: 'already_answered' }));
  expect((await call.ended).reason).toBe('answered_elsewhere');
  expect(mic.tracks[0]?.stopped).toBe(true);
});

test('a call accepted on another device stops ringing here', async () => {
  const { call, server } = await incoming();
  server.send(fromServer.ended(ID, { reason: 'answered_elsewhere', by: 'alice/phone' }));
  expect(await call.ended).toMatchObject({ reason: 'answered_elsewhere', by: 'local' });
});

test('reject ends it on all devices, ignore on this one', async () => {
  const all = await incoming();
  all.call.reject();
  expect(all.server.sent('call-reject')).toMatchObject([{ data: { scope: 'all', reason: 'declined' } }]);
  const here = await incoming();
  here.call.ignore();
  expect(here.server.sent('call-reject')).toMatchObject([{ data: { scope: 'here' } }]);
});

test('hangup cancels before the accept, and hangs up after it', async () => {
  const early = await outgoing();
  early.call.hangup();
  expect(early.server.sent('call-cancel')).toHaveLength(1);
  expect(await early.call.ended).toMatchObject({ reason: 'cancelled', by: 'local' });
  expect(early.mic.tracks[0]?.stopped).toBe(true);
  const late = await connected();
  await pass(61_000);
  late.call.hangup();
  late.call.hangup();
  expect(late.server.sent('hangup')).toHaveLength(1);
  expect(await late.call.ended).toMatchObject({ reason: 'hung_up', by: 'local', talkMs: 61_000 });
});

test('a request that the server refuses fails with the reason', async () => {
  const { call, server, mic } = await outgoing();
  server.send(fromServer.error(call.id, { code: 'rate_limited', retry_ms: 5_000 }));
  const { reason, error } = await call.ended;
  expect([reason, error?.code, error?.retryable, error?.retryAfterMs]).toEqual(['failed', 'rate-limited', true, 5_000]);
  expect(mic.tracks[0]?.stopped).toBe(true);
});

test('a request waits for the server to reach somebody, and fails only if it says nothing at all', async () => {
  const { call, server } = await outgoing();
  await pass(74_000);
  expect(call.state).toBe('requesting');
  await pass(1_000);
  expect((await call.ended).error?.code).toBe('timeout');
  expect(server.sent('call-cancel')).toHaveLength(1);
});

test('a request that cannot be sent fails after 15 s', async () => {
  const { call, server } = await outgoing();
  await pass(5_000);
  server.close();
  for (let i = 0; i < 15; i += 1) {
    expect(call.state).toBe('requesting');
    await pass(1_000);
    server.close();
  }
  expect((await call.ended).error?.code).toBe('signaling-lost');
});

test('a ringing call does not outlive the absence of the server by more than 45 s', async () => {
  const { call, server } = await outgoing();
  server.send(fromServer.delivered(call.id));
  for (let i = 0; i < 45; i += 1) {
    expect(call.state).toBe('delivered');
    server.close();
    await pass(1_000);
  }
  expect((await call.ended).reason).toBe('connection_lost');
});

test('a call without a sound path ends as media_failed, even if the server is gone', async () => {
  const { call, server } = await outgoing();
  server.send(fromServer.accept(call.id));
  await settle();
  server.close();
  await pass(25_000);
  expect(await call.ended).toMatchObject({ reason: 'media_failed', by: 'local' });
});

test('an offer that nobody answers is made again', async () => {
  const { call, server } = await outgoing();
  server.send(fromServer.accept(call.id));
  await pass(5_100);
  expect(server.sent('offer').map((f) => (f['data'] as { n: number }).n)).toEqual([1, 2]);
});

test('the other side hangs up: the microphone is released and the reason is theirs', async () => {
  const { call, server, mic, pc } = await connected();
  server.send(fromServer.ended(call.id, { reason: 'hung_up', by: 'bob/phone', talk_ms: 1234 }));
  expect(await call.ended).toMatchObject({ reason: 'hung_up', by: 'remote', talkMs: 1234 });
  expect(mic.tracks[0]?.stopped).toBe(true);
  expect(pc().closed).toBe(true);
});

test('a server killed and restarted in mid-call does not touch the sound, and hang-up then works', async () => {
  const made = await connected();
  const { call, server, pc, mic } = made;
  const states: string[] = [];
  call.on('state', ({ to }) => states.push(to));
  await pass(10_000);
  await restart(made, 'connected');
  await pass(10_000);
  expect(states).toEqual([]);
  expect(pc().closed).toBe(false);
  expect(pc().offers).toHaveLength(1);
  expect(mic.tracks[0]?.stopped).toBe(false);
  expect(server.numbered()).toMatchObject([{ type: 'call-update', data: { media: 'connected' } }]);
  call.hangup();
  expect(server.numbered().findLast(({ type }) => type !== 'call-quality')).toMatchObject({ type: 'hangup', call: call.id, seq: 2 });
});

test('a call with sound that the server no longer knows goes on, and is hung up over the data channel', async () => {
  const made = await connected();
  const { call, pc } = made;
  const warned: string[] = [];
  call.on('warning', ({ name }) => warned.push(name));
  await restart(made);
  expect(call.state).toBe('connected');
  expect(warned).toEqual(['detached']);
  call.hangup();
  expect(pc().channel.sent).toEqual([{ type: 'hangup', reason: 'hung_up' }]);
  expect(pc().closed).toBe(false);
  await pass(250);
  expect(pc().closed).toBe(true);
});

test('hang-up works while the server is down, and the server hears of it later', async () => {
  const { call, server, pc } = await connected();
  server.close();
  call.hangup();
  expect(pc().channel.sent).toEqual([{ type: 'hangup', reason: 'hung_up' }]);
  await pass(300);
  server.open();
  server.welcome({ calls: [{ call: call.id, role: 'caller', peer: 'bob/phone', state: 'connected', age_ms: 1 }] });
  expect(server.numbered()).toMatchObject([{ type: 'hangup', call: call.id }]);
});

test('a hang-up over the data channel ends the call, and the server is told if it says nothing', async () => {
  const { call, server, pc } = await connected();
  pc().channel.hear({ type: 'hangup', reason: 'hung_up' });
  expect(await call.ended).toMatchObject({ reason: 'hung_up', by: 'remote' });
  await pass(1_900);
  expect(server.sent('hangup')).toEqual([]);
  await pass(200);
  expect(server.sent('hangup')).toHaveLength(1);
});

test('a hang-up that comes both ways ends the call once', async () => {
  const { call, server, pc } = await connected();
  let ends = 0;
  call.on('ended', () => (ends += 1));
  pc().channel.hear({ type: 'hangup', reason: 'hung_up' });
  server.send(fromServer.ended(call.id, { reason: 'hung_up', by: 'bob/phone' }));
  await pass(5_000);
  expect([ends, server.sent('hangup')]).toEqual([1, []]);
});

test('a ringing call that is not listed after a restart has ended', async () => {
  const made = await outgoing();
  made.server.send(fromServer.delivered(made.call.id));
  made.server.ack();
  await restart(made);
  expect(await made.call.ended).toMatchObject({ reason: 'connection_lost', by: 'server' });
});

test('a request that was not acknowledged is sent again and goes on', async () => {
  const made = await outgoing();
  await restart(made);
  expect(made.server.numbered()).toMatchObject([{ type: 'call-request', call: made.call.id, seq: 1 }]);
  expect(made.call.state).toBe('requesting');
});

test('an accept that was missed while away is found in the list', async () => {
  const made = await outgoing();
  made.server.send(fromServer.delivered(made.call.id));
  made.server.ack();
  await restart(made, 'negotiating');
  expect(made.call.state).toBe('negotiating');
  expect(made.server.sent('offer')).toHaveLength(1);
});

test('an accepted call without sound starts over after the server lost the session', async () => {
  const made = await outgoing();
  made.server.send(fromServer.accept(made.call.id));
  await settle();
  await restart(made, 'negotiating');
  expect(made.server.sent('offer').map((f) => (f['data'] as { n: number }).n)).toEqual([1, 2]);
  expect(made.pc().offers[1]).toEqual({ iceRestart: true });
});

test('before there is sound, what failed is tried anew only if nothing has come of it 3 s later', async () => {
  const made = await outgoing();
  made.server.send(fromServer.accept(made.call.id));
  await settle();
  const pc = made.pc();
  // Nothing that both can use yet: the relays are still on their way.
  pc.become('failed');
  await pass(2_000);
  pc.become('connecting');
  await pass(2_000);
  expect(pc.offers.filter(({ iceRestart }) => iceRestart)).toHaveLength(0);
  pc.become('failed');
  await pass(3_100);
  expect(pc.offers.at(-1)).toEqual({ iceRestart: true });
});

test('silence makes the call reconnecting, and sound connected again; the server hears of both', async () => {
  const { call, server, pc, flowing } = await connected();
  const heard: unknown[] = [];
  call.on('reconnecting', (event) => heard.push(event));
  call.on('reconnected', (event) => heard.push(event));
  await pass(1_000);
  flowing.stop();
  await pass(1_600);
  expect(call.state).toBe('reconnecting');
  expect(pc().offers.at(-1)).toEqual({ iceRestart: true });
  flow(pc());
  pc().counters = [];
  await pass(2_000);
  expect(call.state).toBe('connected');
  expect(heard).toMatchObject([{ cause: 'silence' }, { afterMs: expect.any(Number) }]);
  expect(server.sent('call-update').map((f) => f['data'])).toEqual([
    { media: 'connected' },
    { media: 'lost' },
    { media: 'connected' },
  ]);
});

const media = (frames: Record<string, unknown>[]) => frames.map((f) => (f['data'] as { media?: string }).media);

test('only the caller restarts ICE; the callee says that it hears nothing, as often as it would restart', async () => {
  const caller = await connected();
  caller.flowing.stop();
  await pass(11_000);
  expect(caller.pc().offers).toEqual([{ iceRestart: false }, ...Array(4).fill({ iceRestart: true })]);
  const callee = await connectedCallee();
  callee.flowing.stop();
  await pass(11_000);
  expect(callee.call.state).toBe('reconnecting');
  expect(callee.pc().offers).toEqual([]);
  expect(media(callee.server.sent('call-update'))).toEqual(['connected', 'lost', 'lost', 'lost', 'lost']);
});

test('the caller restarts when the callee says that media is lost, by the server or straight', async () => {
  const { call, server, pc } = await connected();
  await pass(1_000);
  server.send(fromServer.update(call.id, { media: 'lost' }));
  await settle();
  expect(pc().offers).toEqual([{ iceRestart: false }, { iceRestart: true }]);
  await pass(1_000);
  pc().channel.hear({ type: 'update', update: { media: 'lost' } });
  await settle();
  expect(pc().offers).toHaveLength(3);
  expect(call.state).toBe('connected');
  expect(media(server.sent('call-update'))).toEqual(['connected']);
});

test('a caller without a server restarts for the callee when the server is back', async () => {
  const { server, pc } = await connected();
  await pass(1_000);
  server.close();
  pc().channel.hear({ type: 'update', update: { media: 'lost' } });
  await pass(300);
  expect(pc().offers).toHaveLength(1);
  server.open();
  server.welcome({ resumed: true });
  await settle();
  expect(pc().offers.at(-1)).toEqual({ iceRestart: true });
});

test('a callee says at once that media is lost: the connection failed, the network changed, the server is back', async () => {
  const made = await connectedCallee();
  const { server, pc, window, flowing } = made;
  const lost = () => media(server.sent('call-update')).filter((it) => it === 'lost').length;
  flowing.stop();
  await pass(1_000);
  pc().become('failed');
  expect(lost()).toBe(1);
  await pass(5_000);
  const before = lost();
  window.dispatchEvent(new Event('online'));
  expect(lost()).toBe(before + 1);
  await pass(1_000);
  await restart(made, 'connected');
  expect(media(server.numbered())).toEqual(['lost']);
  expect(pc().offers).toEqual([]);
});

test('a callee without a server says straight to the caller that media is lost, once, and that it is back', async () => {
  const { server, pc, flowing } = await connectedCallee();
  await pass(1_000);
  server.close();
  flowing.stop();
  await pass(8_000);
  flow(pc());
  await pass(1_000);
  expect(pc().channel.said('update')).toEqual(['lost', 'connected'].map((it) => ({ type: 'update', update: { media: it } })));
});

test('a callee whom nothing helps gives up after 45 s, without ever having offered', async () => {
  const { call, server, pc, flowing } = await connectedCallee();
  flowing.stop();
  await pass(50_000);
  expect(await call.ended).toMatchObject({ reason: 'connection_lost', by: 'local' });
  expect(server.sent('hangup')).toMatchObject([{ data: { reason: 'connection_lost' } }]);
  expect(pc().offers).toEqual([]);
});

test('a v1 caller hears nothing of lost media, so the callee restarts ICE itself', async () => {
  const { flowing, pc } = await connectedCallee({});
  flowing.stop();
  await pass(2_000);
  expect(pc().offers).toEqual([{ iceRestart: true }]);
});

test('silence without end is given up after 45 s as connection_lost, and can be redialed', async () => {
  const { call, server, flowing } = await connected();
  flowing.stop();
  await pass(50_000);
  expect(await call.ended).toMatchObject({ reason: 'connection_lost', by: 'local' });
  expect(server.sent('hangup')).toMatchObject([{ data: { reason: 'connection_lost' } }]);
  const again = await call.redial();
  expect([again.id === call.id, again.peer.user]).toEqual([false, 'bob']);
});

test('a redial of the other side after a lost call rings, and opens no microphone by itself', async () => {
  const { call, server, device, mic, flowing } = await connected();
  flowing.stop();
  await pass(50_000);
  await call.ended;
  const asked = mic.asked.length;
  server.send(fromServer.request(ID));
  await pass(10_000);
  expect([device.calls.map(({ state }) => state), mic.asked.length]).toEqual([['incoming'], asked]);
});

test('redials of both sides that meet are one call, and ring nowhere', async () => {
  const { call, server, device, flowing } = await connected();
  flowing.stop();
  await pass(50_000);
  let rang = 0;
  device.on('incoming', () => (rang += 1));
  const again = await call.redial();
  const own = again.id;
  server.send(fromServer.request(ID));
  server.send(fromServer.ended(own, { reason: 'glare', call: ID }));
  server.send(fromServer.accept(ID));
  expect([again.state, again.id, rang]).toEqual(['negotiating', ID, 0]);
});
