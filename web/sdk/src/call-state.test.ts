import { expect, test } from 'vitest';
import { next } from './call-state.js';
import type { CallEvent } from './call-state.js';
import { forSeeds } from './testing/random.js';
import type { CallState } from './types.js';

const STATES: CallState[] = [
  'requesting',
  'delivered',
  'ringing',
  'incoming',
  'accepting',
  'negotiating',
  'connected',
  'reconnecting',
  'ended',
];
const EVENTS: CallEvent[] = [
  'delivered',
  'rings',
  'accept',
  'accept-failed',
  'accepted',
  'media-up',
  'media-lost',
  'end',
];

const walk = (from: CallState, ...events: CallEvent[]): CallState =>
  events.reduce<CallState>((state, event) => next(state, event) ?? state, from);

test('an outgoing call goes from requesting to connected', () => {
  expect(walk('requesting', 'delivered', 'rings', 'accepted', 'media-up')).toBe('connected');
});

test('an incoming call goes from incoming to connected', () => {
  expect(walk('incoming', 'accept', 'accepted', 'media-up')).toBe('connected');
});

test('every state but the last ends', () => {
  for (const state of STATES) expect(next(state, 'end')).toBe(state === 'ended' ? undefined : 'ended');
});

test('nothing leads out of ended', () => {
  for (const event of EVENTS) expect(next('ended', event)).toBeUndefined();
});

test('a receipt that comes after the accept changes nothing', () => {
  expect(walk('requesting', 'accepted', 'rings', 'delivered')).toBe('negotiating');
});

test('no order of events connects an incoming call without the user accepting it', () => {
  forSeeds(500, (random) => {
    let state: CallState = 'incoming';
    let accepted = false;
    for (let i = 0; i < 30; i += 1) {
      const event = EVENTS[Math.floor(random() * EVENTS.length)]!;
      if (event === 'accept') accepted = true;
      state = next(state, event) ?? state;
      if (!accepted) expect(['incoming', 'ended']).toContain(state);
    }
  });
});
