import { describe, expect, it } from 'vitest';
import { checkIdentity, peerPage, readIdentity } from '../src/identity.js';

const pageA = { guest: 'clientA', peer: 'clientB', side: 'a' };

describe('the identity', () => {
  it('is the page’s own unless the address names another', () => {
    expect(readIdentity(pageA, '')).toEqual({ guest: 'clientA', peer: 'clientB', side: 'a' });
    expect(readIdentity(pageA, '?guest=ada&peer=bob&device=lap-1')).toEqual({ guest: 'ada', peer: 'bob', side: 'a', device: 'lap-1' });
  });

  it('takes no name that the protocol would refuse', () => {
    for (const bad of ['', 'a b', '<b>', 'ü', 'x'.repeat(65), 'a/b'])
      expect(readIdentity(pageA, `?guest=${encodeURIComponent(bad)}`).guest).toBe('clientA');
  });

  it('of the diagnostics page is a guest of its own each time, unless the address names one', () => {
    const [one, other] = [checkIdentity(''), checkIdentity('')];
    expect(one.guest).toMatch(/^check-[0-9a-f]{8}$/);
    expect(one).not.toEqual(other);
    expect(one.device).toBeUndefined();
    expect(checkIdentity('?guest=ada&device=lap-1')).toEqual({ guest: 'ada', device: 'lap-1' });
  });

  it('leads to the other page with the names swapped', () => {
    expect(peerPage(readIdentity(pageA, ''), '')).toBe('/callerB.html');
    const search = '?guest=ada&peer=bob';
    expect(peerPage(readIdentity(pageA, search), search)).toBe('/callerB.html?guest=bob&peer=ada');
  });

  it('leads nowhere from the echo, which has no page', () => {
    expect(peerPage(readIdentity(pageA, '?peer=echo'), '?peer=echo')).toBeUndefined();
  });
});
