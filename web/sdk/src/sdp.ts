/** The one change we make to a session description: Opus with in-band error correction (RFC 7587 §6.1). */

/** Adds `useinbandfec=1` to the format parameters of Opus, unless they speak of it already. */
export function withFec(sdp: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (payload === undefined) return sdp;
  const fmtp = new RegExp(`^a=fmtp:${payload} .*$`, 'm');
  const line = fmtp.exec(sdp)?.[0].trimEnd();
  if (line === undefined) {
    return sdp.replace(/^(a=rtpmap:\d+ opus\/48000.*?)(\r?\n)/im, `$1$2a=fmtp:${payload} useinbandfec=1$2`);
  }
  return line.includes('useinbandfec') ? sdp : sdp.replace(line, `${line};useinbandfec=1`);
}
