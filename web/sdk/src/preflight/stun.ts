/** Whether a STUN server replies over UDP, and what its replies tell of the way out. */

import type { CheckContext, Outcome } from './check.js';
import type { Finding } from './findings.js';
import { gather } from './gathering.js';
import type { Gathering } from './gathering.js';
import { stunServers } from './ice-urls.js';
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
  const gathering = await gather(context, { iceServers: servers }, PATIENCE_MS, (now) => {
    if (reflexive(now).length === 0) return false;
    connectMs ??= performance.now() - began;
    // One server has nothing more to say. Several may tell of what kind the translation is.
    return servers.length === 1;
  });
  const [seen] = reflexive(gathering);
  if (!seen) return { finding: withoutReflexive(gathering), target };
  const answered = servers.length - new Set(gathering.errors.map(({ url }) => url)).size;
  const nat = natOf(reflexive(gathering), gathering.complete ? answered : 1);
  return {
    finding: BY_NAT[nat],
    figures: { nat, address: shortened(seen.address), ...(connectMs !== undefined && { connectMs }) },
    target,
  };
}

function reflexive({ candidates }: Gathering): Reflexive[] {
  return candidates
    .filter(({ type }) => type === 'srflx')
    .map(({ address, port, relatedAddress, relatedPort }) => ({
      address: address ?? '',
      port: port ?? 0,
      relatedAddress: relatedAddress ?? '',
      relatedPort: relatedPort ?? 0,
    }));
}

/** A browser does not tell an address twice: where nothing translates it, the reply adds nothing to what it has. */
function withoutReflexive({ complete, errors, tellsErrors, candidates }: Gathering): Finding {
  if (!complete || errors.length > 0 || candidates.length === 0) return 'stun-silent';
  return tellsErrors ? 'stun-no-nat' : 'stun-unclear';
}
