import { expect, test } from 'vitest';
import { afterForgetting, afterRefusal } from './verdict.js';

test('a refused request fails, whatever the code', () => {
  for (const code of ['forbidden', 'rate-limited', 'too-large', 'busy-here'] as const) {
    expect(afterRefusal('requesting', code)).toBe('fail');
  }
});

test('an accept that came too late was answered elsewhere', () => {
  expect(afterRefusal('accepting', 'already-answered')).toBe('elsewhere');
});

test('a server that does not know a call with sound does not end it', () => {
  expect(afterRefusal('connected', 'call-ended')).toBe('detach');
  expect(afterRefusal('reconnecting', 'call-ended')).toBe('detach');
  expect(afterForgetting('connected', undefined, false)).toBe('detach');
});

test('a call without sound that is not listed has ended', () => {
  for (const state of ['requesting', 'ringing', 'incoming', 'accepting', 'negotiating', 'reconnecting'] as const) {
    expect(afterForgetting(state, undefined, false)).toBe('lost');
  }
});

test('a call that is not listed goes on if its request or accept is on its way again', () => {
  expect(afterForgetting('requesting', undefined, true)).toBe('keep');
  expect(afterForgetting('accepting', undefined, true)).toBe('keep');
});

test('an accept that was not heard of is found in the list', () => {
  expect(afterForgetting('ringing', { state: 'negotiating' }, false)).toBe('accepted');
  expect(afterForgetting('accepting', { state: 'negotiating' }, false)).toBe('accepted');
});

test('an accepted call without sound starts over, one with sound says so', () => {
  expect(afterForgetting('negotiating', { state: 'negotiating' }, false)).toBe('start-over');
  expect(afterForgetting('reconnecting', { state: 'connected' }, false)).toBe('start-over');
  expect(afterForgetting('connected', { state: 'negotiating' }, false)).toBe('say-connected');
});

test('a call that still rings here says so again', () => {
  expect(afterForgetting('incoming', { state: 'ringing' }, false)).toBe('say-ringing');
});

test('what cannot reach the other device for a moment is no error of the call', () => {
  expect(afterRefusal('connected', 'unavailable')).toBe('ignore');
  expect(afterRefusal('connected', 'rate-limited')).toBe('report');
});
