import { expect, test } from 'vitest';
import { blame } from './cause.js';
import type { Situation } from './cause.js';
import type { Bars } from './types.js';

const good: Situation = { bars: 4, remoteBars: 4, remoteLost: 0, slowness: 2, gaps: 20, path: 'direct', isOnline: true };
const at = (more: Partial<Situation>) => blame({ ...good, ...more });

test('as long as both hear well nothing is said, whatever is lost: it is repaired', () => {
  expect(at({})).toEqual({ cause: 'none', sentence: '' });
  expect(at({ bars: 3, remoteBars: 3, remoteLost: 0.2 }).sentence).toBe('');
});

test('both sides blame the network of the one who is heard badly', () => {
  expect(at({ bars: 2 }).cause).toBe('peer_network');
  expect(at({ remoteBars: 2 }).cause).toBe('own_network');
});

test('what is lost both ways may be either network, and the sentence says so', () => {
  const { cause, sentence } = at({ bars: 1, remoteBars: 2 });
  expect([cause, sentence]).toEqual(['own_network', expect.stringContaining('your network or the other side’s')]);
});

test('a side that does not say how it hears is judged by what it loses', () => {
  expect(at({ remoteBars: undefined, remoteLost: 0.06 }).cause).toBe('own_network');
  expect(at({ remoteBars: undefined, remoteLost: 0.01 }).cause).toBe('none');
  expect(at({ remoteBars: undefined, remoteLost: undefined }).cause).toBe('none');
});

test('a long way is the relay’s doing only where there is one', () => {
  expect(at({ bars: 2, slowness: 30, path: 'relay_tls' }).cause).toBe('relay');
  expect(at({ bars: 2, slowness: 30 })).toEqual({ cause: 'none', sentence: expect.stringContaining('long') });
});

test('a lost path is one’s own network’s fault only if the server is out of reach, too', () => {
  expect(at({ bars: 0 })).toEqual({ cause: 'none', sentence: '' });
  expect(at({ bars: 0, isOnline: false }).cause).toBe('own_network');
});

test('low bars after trouble that is over blame nobody', () => {
  expect(at({ bars: 1, slowness: 2, gaps: 1 })).toEqual({ cause: 'none', sentence: '' });
  // The buffer is still long.
  expect(at({ bars: 1, slowness: 12, gaps: 1 })).toEqual({ cause: 'none', sentence: '' });
});

test('whoever is blamed, there is a sentence for it', () => {
  for (const bars of [0, 1, 2, 3, 4] as Bars[]) {
    for (const remoteBars of [undefined, 0, 1, 2, 3, 4] as (Bars | undefined)[]) {
      for (const slowness of [0, 30]) {
        for (const path of ['direct', 'relay_udp', 'unknown'] as const) {
          const { cause, sentence } = at({ bars, remoteBars, slowness, path, isOnline: slowness === 0 });
          if (cause !== 'none') expect(sentence).toMatch(/^[A-Z].*\.$/);
        }
      }
    }
  }
});
