import { expect, test } from 'vitest';
import { forSeeds } from './testing/random.js';
import { Window } from './window.js';
import { LIMITS } from './wire.js';
import type { NumberedFrame } from './wire.js';

const frame = (call: string) => ({ type: 'call-cancel', call }) as const;

test('nothing is lost, doubled or reordered however often the connection is cut', () => {
  forSeeds(300, (random) => {
    const client = new Window();
    const server = new Window();
    const got: string[] = [];
    let sent = 0;
    let wire: NumberedFrame[] = [];
    const deliver = () => {
      const next = wire.shift();
      if (!next) return;
      const taken = server.take(next.seq);
      expect(taken).not.toBe('gap');
      if (taken === 'new') got.push((next as { call: string }).call);
      if (random() < 0.3) client.acknowledged(server.ack());
    };
    for (let step = 0; step < 100; step += 1) {
      const dice = random();
      if (dice < 0.5) wire.push(client.send(frame(`${(sent += 1)}`))!);
      else if (dice < 0.9) deliver();
      else {
        // The cut loses all that is under way; the resume tells both what arrived.
        client.acknowledged(server.received);
        wire = [...client.unacknowledged];
      }
    }
    client.acknowledged(server.received);
    wire = [...client.unacknowledged];
    while (wire.length > 0) deliver();
    expect(got).toEqual(Array.from({ length: sent }, (_, i) => `${i + 1}`));
  });
});

test('a number that was skipped is a gap, one that was had is old', () => {
  const window = new Window();
  expect(window.take(2)).toBe('gap');
  expect(window.take(1)).toBe('new');
  expect(window.take(1)).toBe('old');
  expect(window.take(2)).toBe('new');
});

test('a full window takes no more until something is acknowledged', () => {
  const window = new Window();
  for (let i = 0; i < LIMITS.windowFrames; i += 1) expect(window.send(frame('x'))).toBeDefined();
  expect(window.send(frame('x'))).toBeUndefined();
  window.acknowledged(1);
  expect(window.send(frame('x'))?.seq).toBe(LIMITS.windowFrames + 1);
});

test('a window takes at most 256 KiB', () => {
  const window = new Window();
  const big = { type: 'call-request', call: 'c', to: 'bob', data: { context: 'x'.repeat(100_000) } } as const;
  expect(window.send(big)).toBeDefined();
  expect(window.send(big)).toBeDefined();
  expect(window.send(big)).toBeUndefined();
});

test('a window counts bytes, not characters', () => {
  const window = new Window();
  const big = { type: 'call-request', call: 'c', to: 'bob', data: { context: 'ü'.repeat(100_000) } } as const;
  expect(window.send(big)).toBeDefined();
  expect(window.send(big)).toBeUndefined();
});

test('a restart counts from 1 again and hands back what was not acknowledged', () => {
  const window = new Window();
  for (const call of ['a', 'b', 'c']) window.send(frame(call));
  window.take(1);
  window.acknowledged(1);
  expect(window.restart()).toMatchObject([{ call: 'b' }, { call: 'c' }]);
  expect(window.send(frame('d'))?.seq).toBe(1);
  expect(window.take(1)).toBe('new');
});
