import { expect, test } from 'vitest';
import { BACK_OFF_MS, afterClose, backOff } from './reconnect.js';
import { CLOSE } from './wire.js';

test('the back-off is 0, 0.3, 1, 2, 4, 7 seconds and stays there', () => {
  expect(BACK_OFF_MS).toEqual([0, 300, 1000, 2000, 4000, 7000]);
  expect([0, 1, 2, 3, 4, 5, 6, 99].map((n) => backOff(n, 0))).toEqual([0, 300, 1000, 2000, 4000, 7000, 7000, 7000]);
});

test('jitter adds up to a quarter, and at least up to 100 ms', () => {
  expect(backOff(0, 0.999)).toBeCloseTo(99.9);
  expect(backOff(5, 0.999)).toBeCloseTo(7000 + 1748.25);
});

test.each([
  [CLOSE.forbidden, 'forbidden'],
  [CLOSE.replaced, 'session-replaced'],
  [CLOSE.misbehaved, 'internal'],
])('after %i the device does not come back', (code, error) => {
  expect(afterClose(code)).toEqual({ act: 'stop', error });
});

test.each([CLOSE.normal, 1001, 1005, 1006, 1011, 4999, CLOSE.restart, CLOSE.gap, CLOSE.slow, CLOSE.idle, CLOSE.helloTimeout])(
  'after %i the device resumes',
  (code) => expect(afterClose(code)).toEqual({ act: 'resume', notBeforeMs: 0 }),
);

test('after 4029 it comes back later', () => {
  expect(afterClose(CLOSE.rateLimited)).toEqual({ act: 'resume', notBeforeMs: 10_000 });
});

test('after 4501 it needs a new token', () => {
  expect(afterClose(CLOSE.unauthorized)).toEqual({ act: 'new-token' });
});

test.each([CLOSE.protocolError, CLOSE.unsupported, CLOSE.notText, CLOSE.tooBig])(
  'after %i it comes back with a new session, after a pause',
  (code) => expect(afterClose(code)).toEqual({ act: 'start-anew', notBeforeMs: 7_000 }),
);
