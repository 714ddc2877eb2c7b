/** Which ICE servers there are for what: the list of the server, taken apart by transport. Pure. */

export type RelayTransport = 'udp' | 'tcp' | 'tls';

/** One URL with what it needs. */
export interface IceServer extends RTCIceServer {
  urls: string;
}

/** The STUN servers of a list. */
export function stunServers(servers: readonly RTCIceServer[]): IceServer[] {
  return single(servers).filter(({ urls }) => /^stuns?:/i.test(urls));
}

/** The relays of a list that are reached over `transport`. */
export function relays(servers: readonly RTCIceServer[], transport: RelayTransport): IceServer[] {
  return single(servers).filter(({ urls }) => transportOf(urls) === transport);
}

/** RFC 7065: `turn:` is UDP and `turns:` is TLS unless `?transport=` says otherwise. Nobody speaks `turns:` over UDP. */
function transportOf(url: string): RelayTransport | undefined {
  const found = /^(turns?):[^?]*(?:\?transport=(\w+))?$/i.exec(url);
  if (!found) return undefined;
  const transport = found[2]?.toLowerCase();
  if (found[1]?.toLowerCase() === 'turns') return transport === 'udp' ? undefined : 'tls';
  return transport === 'tcp' ? 'tcp' : transport === undefined || transport === 'udp' ? 'udp' : undefined;
}

function single(servers: readonly RTCIceServer[]): IceServer[] {
  return servers.flatMap((server) => [server.urls].flat().map((urls) => ({ ...server, urls })));
}
