/**
 * Who this page is and whom it calls. The page says so in `data-guest` and `data-peer` on its `<html>`; `?guest=…&peer=…`
 * in the address may name others, so that several pairs can use one server.
 */

export interface Identity {
  readonly guest: string;
  readonly peer: string;
  /** The device name, if the address gives one; otherwise the SDK makes one up. */
  readonly device?: string;
  /** Which of the two pages this is; decides the paint of the cans. */
  readonly side: 'a' | 'b';
}

/** The user that the server itself is: it says back what it hears. */
export const ECHO = 'echo';

/** User and device names, as docs/PROTOCOL.md has them. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

export function readIdentity(page: DOMStringMap, search: string): Identity {
  const asked = new URLSearchParams(search);
  const named = (key: string, otherwise: string): string => {
    const value = asked.get(key);
    return value !== null && NAME.test(value) ? value : otherwise;
  };
  const device = named('device', '');
  return {
    guest: named('guest', page['guest'] ?? 'clientA'),
    peer: named('peer', page['peer'] ?? 'clientB'),
    side: page['side'] === 'b' ? 'b' : 'a',
    ...(device ? { device } : {}),
  };
}

/**
 * Who the diagnostics page is: a guest of its own, so that no call of anybody is disturbed. `?guest=…&device=…` in the
 * address may name another.
 */
export function checkIdentity(search: string): { guest: string; device?: string } {
  const { guest, device } = readIdentity({ guest: `check-${crypto.randomUUID().slice(0, 8)}` }, search);
  return { guest, ...(device ? { device } : {}) };
}

/** The address of the other person's page, with the names swapped if they came from the address. The echo has none. */
export function peerPage({ guest, peer, side }: Identity, search: string): string | undefined {
  if (peer === ECHO) return undefined;
  const page = side === 'a' ? '/callerB.html' : '/callerA.html';
  const asked = new URLSearchParams(search);
  if (!asked.has('guest') && !asked.has('peer')) return page;
  return `${page}?${new URLSearchParams({ guest: peer, peer: guest })}`;
}
