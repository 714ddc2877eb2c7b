/**
 * Switches between Opus and RED, in which each packet carries the one before as well (RFC 2198), in what we send.
 *
 * Browsers that have RED negotiate both, and send what comes first in the other side's description. `setParameters` takes
 * another codec and goes on as before (Chromium 156). So the description that we have of the other side is applied again in
 * another order, as the answer to an offer that only we see. It changes neither paths nor keys, takes some milliseconds, and
 * needs no server; what the other side sends is for it to say.
 *
 * Not here: when (`adaptation.ts`).
 */

import { hasCodec, iceUfrag, setupRole, withCodecFirst, withSetupRole } from './sdp.js';

/** Sends RED, or plain Opus. Does nothing where one of the browsers has no RED, or while descriptions are being exchanged. */
export async function sendRed(pc: RTCPeerConnection, on: boolean): Promise<void> {
  const { localDescription: local, remoteDescription: remote } = pc;
  if (pc.signalingState !== 'stable' || !local || !remote) return;
  if (!hasCodec(local.sdp, 'red') || !hasCodec(remote.sdp, 'red')) return;
  const offer = await pc.createOffer();
  // A restart is due, and will come with another description.
  if (iceUfrag(offer.sdp) !== iceUfrag(local.sdp)) return;
  await pc.setLocalDescription(offer);
  await pc.setRemoteDescription({ type: 'answer', sdp: withCodecFirst(asAnswer(remote, local), on ? 'red' : 'opus') });
}

/** An offer leaves open who begins with DTLS (RFC 8842 §5.2), and an answer may not: it was our answer that said. */
function asAnswer({ type, sdp }: RTCSessionDescription, local: RTCSessionDescription): string {
  if (type !== 'offer') return sdp;
  return withSetupRole(sdp, setupRole(local.sdp) === 'active' ? 'passive' : 'active');
}
