/**
 * What we read and change in session descriptions: how Opus is asked for, which codec comes first, and, in a call that hides
 * addresses, what would tell one. Pure.
 */

/** What the sender of Opus is asked for (RFC 7587 §6.1): in-band error correction, and few packets while it is silent. */
const OPUS_WISHES = ['useinbandfec=1', 'usedtx=1'];

/** Adds our wishes to the format parameters of Opus, unless they speak of them already. */
export function withWishes(sdp: string): string {
  const payload = payloadOf(sdp, 'opus');
  if (payload === undefined) return sdp;
  const fmtp = new RegExp(`^a=fmtp:${payload} .*$`, 'm');
  const line = fmtp.exec(sdp)?.[0].trimEnd();
  if (line === undefined) {
    return sdp.replace(/^(a=rtpmap:\d+ opus\/48000.*?)(\r?\n)/im, `$1$2a=fmtp:${payload} ${OPUS_WISHES.join(';')}$2`);
  }
  const missing = OPUS_WISHES.filter((wish) => !line.includes(wish.split('=')[0]!));
  return sdp.replace(line, [line, ...missing].join(';'));
}

/**
 * The description without an address of ours: only candidates of a relay stay, without what they were made for (RFC 8839
 * §5.1, `raddr`), and the connection addresses (RFC 8866 §5.7) say nothing, as with trickle they may.
 */
export function withoutAddresses(sdp: string): string {
  return sdp
    .split(/(?<=\n)/)
    .filter((line) => !line.startsWith('a=candidate:') || isRelay(line))
    .map((line) => {
      if (line.startsWith('a=candidate:')) return withoutRelated(line);
      if (line.startsWith('c=')) return line.replace(/^c=.*?(\r?\n?)$/, 'c=IN IP4 0.0.0.0$1');
      return line.replace(/^a=rtcp:.*?(\r?\n?)$/, 'a=rtcp:9 IN IP4 0.0.0.0$1');
    })
    .join('');
}

/** Whether a candidate, or its line in a description, is a relay's. */
export function isRelay(candidate: string): boolean {
  return / typ relay( |\s*$)/.test(candidate);
}

/** A relay's candidate without the address that it was made for. */
export function withoutRelated(candidate: string): string {
  return candidate.replace(/ raddr \S+ rport \d+/, ' raddr 0.0.0.0 rport 0');
}

/** The name of the ICE session that a description begins or goes on with; another one than before is a restart. */
export function iceUfrag(sdp: string | undefined): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp ?? '')?.[1];
}

/** Whether a codec of 48 kHz is among those of the description. */
export function hasCodec(sdp: string, name: string): boolean {
  return payloadOf(sdp, name) !== undefined;
}

/** The description with this codec as the first choice. */
export function withCodecFirst(sdp: string, name: string): string {
  const payload = payloadOf(sdp, name);
  if (payload === undefined) return sdp;
  return sdp.replace(/^(m=audio \d+ \S+)((?: \d+)+)/m, (_, head: string, payloads: string) => {
    const others = payloads.trim().split(' ').filter((other) => other !== payload);
    return [head, payload, ...others].join(' ');
  });
}

/** Who begins with DTLS: `active`, `passive`, or in an offer `actpass` (RFC 8842). */
export function setupRole(sdp: string): string | undefined {
  return /^a=setup:(\w+)/m.exec(sdp)?.[1];
}

export function withSetupRole(sdp: string, role: 'active' | 'passive'): string {
  return sdp.replace(/^a=setup:\w+/gm, `a=setup:${role}`);
}

function payloadOf(sdp: string, name: string): string | undefined {
  return new RegExp(`^a=rtpmap:(\\d+) ${name}/48000`, 'im').exec(sdp)?.[1];
}
