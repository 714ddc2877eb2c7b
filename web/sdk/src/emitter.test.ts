import { afterEach, expect, test, vi } from 'vitest';
import { Emitter } from './emitter.js';

class Bell extends Emitter<{ ring: number; stop: void }> {}

afterEach(() => void vi.unstubAllGlobals());

test('a listener that throws does not stop the others, and its error is reported', () => {
  const reported: unknown[] = [];
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
  const bell = new Bell();
  const heard: number[] = [];
  bell.on('ring', () => {
    throw new Error('mine');
  });
  bell.on('ring', (n) => heard.push(n));
  bell.emit('ring', 1);
  expect(heard).toEqual([1]);
  expect(reported).toEqual([new Error('mine')]);
});

test('the returned function and the signal both remove the listener', () => {
  const bell = new Bell();
  const heard: string[] = [];
  const off = bell.on('ring', () => heard.push('a'));
  const gone = new AbortController();
  bell.on('ring', () => heard.push('b'), { signal: gone.signal });
  bell.emit('ring', 1);
  off();
  gone.abort();
  bell.emit('ring', 2);
  expect(heard).toEqual(['a', 'b']);
});

test('a listener removed while an event is under way still hears that one', () => {
  const bell = new Bell();
  const heard: string[] = [];
  bell.on('ring', () => off());
  const off = bell.on('ring', () => heard.push('late'));
  bell.emit('ring', 1);
  bell.emit('ring', 2);
  expect(heard).toEqual(['late']);
});

test('once hears one event', () => {
  const bell = new Bell();
  let count = 0;
  bell.once('stop', () => (count += 1));
  bell.emit('stop');
  bell.emit('stop');
  expect(count).toBe(1);
});
