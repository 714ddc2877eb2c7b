/** What server-reflexive candidates tell about the way out: no more than is known. Pure. */

import type { Nat } from './types.js';

/** The part of an `RTCIceCandidate` that matters here. `related…` is the local socket, or zeros where the browser hides it. */
export interface Reflexive {
  address: string;
  port: number;
  relatedAddress: string;
  relatedPort: number;
}

/** `servers`: how many STUN servers answered, as far as the browser tells. */
export function natOf(reflexive: readonly Reflexive[], servers: number): Nat {
  if (
    reflexive.every(
      ({ address, port, relatedAddress, relatedPort }) => address === relatedAddress && port === relatedPort,
    )
  ) {
    return 'none';
  }
  const known = reflexive.filter(({ relatedPort }) => relatedPort > 0);
  const sockets = new Map<string, Set<string>>();
  for (const { address, port, relatedAddress, relatedPort } of known) {
    const socket = `${relatedAddress} ${relatedPort}`;
    sockets.set(socket, (sockets.get(socket) ?? new Set()).add(`${address} ${port}`));
  }
  const seen = [...sockets.values()];
  if (seen.some((addresses) => addresses.size > 1)) return 'many-ports';
  // Browsers tell an address once, however many servers saw it; so two servers and one address is one port for both.
  return servers > 1 && known.length === reflexive.length ? 'one-port' : 'some';
}

/** An address with its last part left out: enough to tell networks apart, too little to find a household. */
export function shortened(address: string): string {
  const groups = address.replace(/^\[|\]$/g, '').split(':');
  if (groups.length > 2) {
    // Of IPv6 the first 48 bits, and nothing from behind a `::`.
    const gap = groups.indexOf('');
    return `${groups.slice(0, gap < 0 ? 3 : Math.min(3, gap)).join(':')}:…`;
  }
  return address.replace(/^(\d+\.\d+\.\d+)\.\d+$/, '$1.…');
}
