import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { pass, registered, settle } from './testing/fake-platform.js';
import { BOB, fromServer } from './testing/from-server.js';
import { random } from './testing/random.js';
import type { ServerFrame, Snapshot } from './wire.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const THEIRS = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBB'];

/** Anything that a server, a user or a network may do, in any order, sensible or not. */
async function live(seed: number): Promise<void> {
  const dice = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(dice() * list.length)]!;
  const { device, server, mic, pc, window } = await registered();
  const calls: Call[] = [];
  const ends = new Map<Call, number>();
  const follow = (call: Call) => {
    calls.push(call);
    call.on('ended', () => ends.set(call, (ends.get(call) ?? 0) + 1));
  };
  device.on('incoming', follow);
  const ids = () => [...THEIRS, ...calls.map((call) => call.id)];
  const up = () => server.socket.readyState === 1 && device.state === 'registered';
  let allowed = 0;
  const say = (frame: ServerFrame) => up() && server.send(frame);
  const from = BOB;
  const acts: (() => unknown)[] = [
    () => say(fromServer.request(pick(THEIRS))),
    () => say(fromServer.delivered(pick(ids()))),
    () => say(fromServer.ringing(pick(ids()))),
    () => say(fromServer.accept(pick(ids()))),
    () => say(fromServer.ended(pick(ids()), { by: from })),
    () => say(fromServer.ended(pick(ids()), { reason: 'glare', call: pick(THEIRS) })),
    () => say(fromServer.error(pick(ids()), { code: pick(['no_such_call', 'already_answered', 'unavailable']) })),
    () => say({ type: 'offer', call: pick(ids()), from, data: { type: 'offer', sdp: 'o' } }),
    () => say({ type: 'answer', call: pick(ids()), from, data: { type: 'answer', sdp: 'a' } }),
    () => say({ type: 'candidates', call: pick(ids()), from, data: [{ candidate: 'x' }, null] }),
    () => {
      allowed += 1;
      return device.connect({ to: 'bob' }).then(follow, () => {});
    },
    () => {
      const call = pick(calls);
      if (!call) return;
      allowed += 1;
      return call.accept().catch(() => {});
    },
    () => pick(calls)?.reject(),
    () => pick(calls)?.hangup(),
    () => pick(calls)?.mute(dice() < 0.5),
    () => pc() && !pc().closed && pc().become(pick(['connected', 'disconnected', 'failed'])),
    () => say(fromServer.update(pick(ids()), { media: pick(['connected', 'lost']) })),
    () => pc()?.channel.hear({ type: 'update', update: { media: pick(['connected', 'lost']) } }),
    () => pc()?.channel.hear({ type: 'quality', bars: pick([0, 1, 2, 3, 4]) }),
    () => pc()?.channel.hear({ type: 'hangup', reason: 'hung_up' }),
    () => window.dispatchEvent(new Event('online')),
    () => up() && server.close(pick([1006, 1012, 4007])),
    () => pass(pick([10, 500, 3_000])),
  ];
  const reconnect = () => {
    if (server.socket.readyState !== 0) return;
    const state = pick(['ringing', 'negotiating', 'connected'] as const);
    const listed = ids().filter(() => dice() < 0.5);
    const snapshots = [...new Set(listed)].map(
      (call): Snapshot => ({ call, role: pick(['caller', 'callee']), peer: from, state, age_ms: 1 }),
    );
    server.open();
    server.welcome(dice() < 0.5 ? { resumed: true, ack: 0 } : { calls: snapshots });
  };
  for (let step = 0; step < 60; step += 1) {
    await pick(acts)();
    await settle();
    if (dice() < 0.7) reconnect();
    for (const call of calls) expect(ends.get(call) ?? 0).toBe(call.state === 'ended' ? 1 : 0);
    expect(device.calls.every((call) => call.state !== 'ended')).toBe(true);
    expect(new Set(device.calls.map((call) => call.id)).size).toBe(device.calls.length);
    // No microphone without the user's act; each replacement is of one that went away, and none goes away here.
    expect(mic.asked.length).toBeLessThanOrEqual(allowed);
    if (device.calls.length === 0) expect(mic.tracks.filter((track) => !track.stopped)).toEqual([]);
  }
  device.destroy();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  expect(mic.tracks.filter((track) => !track.stopped)).toEqual([]);
  for (const call of calls) expect(ends.get(call)).toBe(1);
}

test('whatever happens in whatever order, a call ends once, and no microphone stays open or opens by itself', async () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    await live(seed).catch((cause: unknown) => {
      throw new Error(`failed with seed ${seed}`, { cause });
    });
  }
});
