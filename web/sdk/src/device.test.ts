import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ID, code } from './testing/calls.js';
import { bench, pass, registered, settle } from './testing/fake-platform.js';
import { fromServer } from './testing/from-server.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('register goes from idle over registering to registered', async () => {
  const { device, server } = bench();
  const states: string[] = [];
  device.on('state', ({ to }) => states.push(to));
  const done = device.register();
  await settle();
  expect(server.socket.url).toBe('wss://calls.example/ws');
  server.open();
  server.welcome();
  await done;
  expect(states).toEqual(['registering', 'registered']);
  expect(device.user).toBe('alice');
});

test('register gives up after some 15 s without a server, and can be called again', async () => {
  const { device, server } = bench();
  const failed = code(device.register());
  for (let i = 0; i < 25; i += 1) {
    await pass(1_000);
    if (server.socket.readyState === 0) server.close();
  }
  expect(await failed).toBe('signaling-lost');
  expect(device.state).toBe('idle');
  expect(vi.getTimerCount()).toBe(0);
  const again = device.register();
  await settle();
  server.open();
  server.welcome();
  await again;
});

test('a guest where guests are not allowed is forbidden', async () => {
  const { device, server } = bench();
  const failed = code(device.register());
  await settle();
  server.close(4503);
  expect(await failed).toBe('forbidden');
});

test('unregister while registering rejects with aborted', async () => {
  const { device } = bench();
  const failed = code(device.register());
  await settle();
  device.unregister();
  expect(await failed).toBe('aborted');
  expect(vi.getTimerCount()).toBe(0);
});

test('a lost socket makes the device reconnecting, and a welcome registered again', async () => {
  const { device, server } = await registered();
  server.close();
  expect(device.state).toBe('reconnecting');
  await settle();
  server.open();
  server.welcome({ resumed: true });
  expect(device.state).toBe('registered');
});

test('a device that was replaced does not come back, and says why', async () => {
  const { device, server } = await registered();
  const why: unknown[] = [];
  device.on('unregistered', ({ error }) => why.push(error?.code));
  server.close(4509);
  expect(device.state).toBe('idle');
  expect(why).toEqual(['session-replaced']);
});

test('connect opens the microphone before anything is sent', async () => {
  const { device, server, mic } = await registered();
  const connecting = device.connect({ to: 'bob', context: { order: 7 } });
  expect(mic.asked).toHaveLength(1);
  expect(server.sent('call-request')).toEqual([]);
  const call = await connecting;
  expect(server.sent('call-request')).toMatchObject([
    { call: call.id, to: 'bob', data: { media: 'audio', context: { order: 7 } } },
  ]);
  expect(call.id).toHaveLength(22);
  expect([call.state, call.direction, device.calls]).toEqual(['requesting', 'outgoing', [call]]);
});

test.each([
  ['NotAllowedError', 'mic-denied'],
  ['NotFoundError', 'mic-missing'],
  ['NotReadableError', 'mic-busy'],
])('a microphone that fails with %s rejects connect with %s, and nobody is rung', async (name, expected) => {
  const { device, server, mic } = await registered();
  mic.fail = name;
  expect(await code(device.connect({ to: 'bob' }))).toBe(expected);
  expect(server.sent('call-request')).toEqual([]);
  mic.fail = undefined;
  await device.connect({ to: 'bob' });
});

test('connect rejects before it asks for the microphone if it cannot work', async () => {
  const idle = bench();
  expect(await code(idle.device.connect({ to: 'bob' }))).toBe('not-registered');
  const { device, mic } = await registered();
  expect(await code(device.connect({ to: 'no body' }))).toBe('bad-argument');
  expect(await code(device.connect({ to: 'alice' }))).toBe('bad-argument');
  expect(await code(device.connect({ to: 'bob', context: 'x'.repeat(5000) }))).toBe('too-large');
  expect(await code(device.connect({ to: 'bob', signal: AbortSignal.abort() }))).toBe('aborted');
  expect(mic.asked).toEqual([]);
});

test('one call at a time', async () => {
  const { device } = await registered();
  const first = device.connect({ to: 'bob' });
  expect(await code(device.connect({ to: 'carol' }))).toBe('busy-here');
  await first;
  expect(await code(device.connect({ to: 'carol' }))).toBe('busy-here');
});

test('an attempt given up while the microphone opens rings nobody and releases it', async () => {
  const { device, server, mic } = await registered();
  const giveUp = new AbortController();
  const failed = code(device.connect({ to: 'bob', signal: giveUp.signal }));
  giveUp.abort();
  expect(await failed).toBe('aborted');
  expect(server.sent('call-request')).toEqual([]);
  expect(mic.tracks.every((track) => track.stopped)).toBe(true);
});

test('an incoming call rings, says so, and opens no microphone', async () => {
  const { device, server, mic } = await registered();
  const calls: unknown[] = [];
  device.on('incoming', (call) => calls.push([call.id, call.peer, call.context, call.state, call.direction]));
  server.send(fromServer.request(ID, { order: 7 }));
  expect(calls).toEqual([[ID, { user: 'bob', device: 'phone' }, { order: 7 }, 'incoming', 'incoming']]);
  expect(server.sent('call-ringing')).toMatchObject([{ call: ID }]);
  await pass(10_000);
  expect(mic.asked).toEqual([]);
});

test('the same request never rings twice: not when doubled, not when ended, not in a list', async () => {
  const { device, server } = await registered();
  let rang = 0;
  device.on('incoming', () => (rang += 1));
  server.send(fromServer.request(ID));
  server.send(fromServer.request(ID));
  server.close();
  await settle();
  server.open();
  const listed = { call: ID, role: 'callee', peer: 'bob/phone', state: 'ringing', age_ms: 900, exp: 44_100 } as const;
  server.welcome({ calls: [listed] });
  device.calls[0]?.reject();
  server.send(fromServer.request(ID));
  server.close();
  await pass(300);
  server.open();
  server.welcome({ calls: [listed] });
  expect(rang).toBe(1);
});

test('a call that rings and is not known here is found in the list', async () => {
  const { device, server } = await registered();
  const calls: string[] = [];
  device.on('incoming', (call) => calls.push(call.id));
  server.close();
  await settle();
  server.open();
  server.welcome({
    calls: [{ call: ID, role: 'callee', peer: 'bob/phone', state: 'ringing', age_ms: 1, exp: 700, data: { context: 1 } }],
  });
  expect(calls).toEqual([ID]);
  expect(device.calls[0]?.context).toBe(1);
  const [ringing] = device.calls;
  await pass(1_700);
  expect(await ringing!.ended, 'it rings for as long as the server said').toMatchObject({ reason: 'no_answer' });
});

test('a call of a page that is gone is hung up', async () => {
  const { server, device } = bench();
  void device.register();
  await settle();
  server.open();
  server.welcome({ calls: [{ call: ID, role: 'caller', peer: 'bob/phone', state: 'connected', age_ms: 9_000 }] });
  expect(server.sent('hangup')).toMatchObject([{ call: ID, data: { reason: 'connection_lost' } }]);
});

test('an incoming call stops ringing by itself when its time is over, even without the server', async () => {
  const { device, server } = await registered();
  server.send(fromServer.request(ID));
  const [call] = device.calls;
  server.close(4503);
  expect((await call!.ended).reason).toBe('connection_lost');
  const second = await registered();
  second.server.send(fromServer.request(ID));
  const [ringing] = second.device.calls;
  await pass(46_000);
  expect(await ringing!.ended).toMatchObject({ reason: 'no_answer', by: 'server' });
});

test('both ring each other: one call, nobody hears it ring', async () => {
  const { device, server, pc } = await registered();
  let rang = 0;
  device.on('incoming', () => (rang += 1));
  const call = await device.connect({ to: 'bob' });
  const own = call.id;
  server.send(fromServer.request(ID));
  server.send(fromServer.ended(own, { reason: 'glare', call: ID }));
  server.send(fromServer.accept(ID));
  await settle();
  expect(rang).toBe(0);
  expect([call.id, call.state, call.peer]).toEqual([ID, 'negotiating', { user: 'bob', device: 'phone' }]);
  // In the other side's call we are the callee, who waits for the offer.
  expect(pc().offers).toEqual([]);
  expect(device.calls).toEqual([call]);
});

test('a request held back for glare rings when our own call ends otherwise', async () => {
  const { device, server } = await registered();
  const rang: string[] = [];
  device.on('incoming', (incoming) => rang.push(incoming.id));
  const call = await device.connect({ to: 'bob' });
  server.send(fromServer.request(ID));
  server.send(fromServer.ended(call.id, { reason: 'busy' }));
  expect(rang).toEqual([ID]);
});

test('an accept of a call that was just cancelled is hung up', async () => {
  const { device, server } = await registered();
  const call = await device.connect({ to: 'bob' });
  call.hangup();
  server.send(fromServer.accept(call.id));
  expect(server.numbered().map((f) => f.type)).toEqual(['call-request', 'call-cancel', 'hangup']);
});

test('a page that goes away hangs up, cancels, and stops ringing here only', async () => {
  const { server, window } = await registered();
  server.send(fromServer.request(ID));
  window.dispatchEvent(new Event('pagehide'));
  expect(server.sent('call-reject')).toMatchObject([{ data: { scope: 'here' } }]);
  const caller = await registered();
  await caller.device.connect({ to: 'bob' });
  caller.window.dispatchEvent(new Event('pagehide'));
  expect(caller.server.sent('call-cancel')).toHaveLength(1);
});

test('ICE servers are asked for when a call needs them', async () => {
  const { device, server, pc } = await registered({ iceServers: 'server' });
  const call = await device.connect({ to: 'bob' });
  const [asked] = server.sent('ice-servers-request');
  server.send({ type: 'ice-servers-response', re: asked!.id!, data: { iceServers: [{ urls: 'stun:x' }], relay_only: false, ttl_s: 600 } });
  server.send(fromServer.accept(call.id));
  await settle();
  expect(pc().config.iceServers).toEqual([{ urls: 'stun:x' }]);
});

test('destroy leaves no timer, no socket, no track and no peer connection', async () => {
  const { device, server, mic, pc } = await registered();
  const call = await device.connect({ to: 'bob' });
  server.send(fromServer.accept(call.id));
  await settle();
  pc().become('connected');
  await pass(2_000);
  device.destroy();
  expect(vi.getTimerCount()).toBe(0);
  expect(server.socket.closedWith).toBe(1000);
  expect(server.sent('hangup')).toHaveLength(1);
  expect(pc().channel.sent).toEqual([{ type: 'hangup', reason: 'hung_up' }]);
  expect(pc().closed).toBe(true);
  expect(mic.tracks.every((track) => track.stopped)).toBe(true);
  expect(await call.ended).toMatchObject({ reason: 'hung_up', by: 'local' });
  expect(await code(device.register())).toBe('bad-argument');
});

test('destroy while reconnecting and ringing leaves no timer either', async () => {
  const { device, server } = await registered();
  server.send(fromServer.request(ID));
  server.close();
  device.destroy();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
});
