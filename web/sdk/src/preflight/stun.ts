/**
 * Whether UDP gets out and back, and what the replies tell of the way out.
 *
 * A browser tells no address twice: where nothing translates it, a STUN reply adds nothing to the browser's own address
 * and stays untold. So relays are asked over UDP meanwhile, by a connection of their own: with its place, a relay tells
 * the address it saw, and if that is one of the browser's own, UDP works and nothing translates it.
 */

import type { CheckContext, Outcome } from './check.js';
import type { Finding } from './findings.js';
import { gather } from './gathering.js';
import type { Gathering } from './gathering.js';
import { relays, stunServers } from './ice-urls.js';
import { natOf, shortened } from './nat.js';
import type { Reflexive } from './nat.js';
import type { Nat } from './types.js';

/** Browsers go on asking for ten seconds and more; a server that is reached at all has replied long before. */
const PATIENCE_MS = 5_000;

const BY_NAT: Record<Nat, Finding> = {
  none: 'stun-no-nat',
  'one-port': 'stun-ok',
  'many-ports': 'stun-many-ports',
  some: 'stun-ok',
};

export async function checkStun(context: CheckContext, iceServers: readonly RTCIceServer[]): Promise<Outcome> {
  const servers = stunServers(iceServers);
  if (servers.length === 0) return { finding: 'stun-not-offered' };
  const target = servers.map(({ urls }) => urls).join(' ');
  const began = performance.now();
  let connectMs: number | undefined;
  const configs = [{ iceServers: servers }, { iceServers: relays(iceServers, 'udp') }] as const;
  const [byStun, byRelay] = await gather(context, configs, PATIENCE_MS, ([stun, relay]) => {
    const isProved = reflexive(stun).length > 0 || isUntranslated(relay);
    if (isProved) connectMs ??= performance.now() - began;
    // One STUN server has nothing more to say. Several may tell of what kind the translation is.
    return stun.complete || isUntranslated(relay) || (isProved && servers.length === 1);
  });
  const figures = connectMs === undefined ? {} : { connectMs };
  const [seen] = reflexive(byStun);
  if (!seen) return { finding: isUntranslated(byRelay) ? 'stun-no-nat' : untold(byStun), figures, target };
  const failed = new Set(byStun.errors.map(({ url }) => url));
  const nat = natOf(reflexive(byStun), byStun.complete ? servers.length - failed.size : 1);
  return { finding: BY_NAT[nat], figures: { ...figures, nat, address: shortened(seen.address) }, target };
}

function reflexive({ candidates }: Gathering): Reflexive[] {
  return candidates.filter(({ type }) => type === 'srflx').map(addresses);
}

/** Whether a relay saw one of the browser's own addresses. */
function isUntranslated({ candidates }: Gathering): boolean {
  const own = candidates.filter(({ type }) => type === 'host').map(addresses);
  const seen = candidates.filter(({ type }) => type === 'relay').map(addresses);
  return seen.some(({ relatedAddress, relatedPort }) =>
    own.some(({ address, port }) => address === relatedAddress && port === relatedPort),
  );
}

/** What it means that no other address was told. */
function untold({ complete, errors, tellsErrors, candidates }: Gathering): Finding {
  if (!complete || errors.length > 0 || candidates.length === 0) return 'stun-silent';
  return tellsErrors ? 'stun-no-nat' : 'stun-unclear';
}

function addresses({ address, port, relatedAddress, relatedPort }: RTCIceCandidate): Reflexive {
  return {
    address: address ?? '',
    port: port ?? 0,
    relatedAddress: relatedAddress ?? '',
    relatedPort: relatedPort ?? 0,
  };
}
