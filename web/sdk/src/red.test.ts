import { expect, test } from 'vitest';
import { sendRed } from './red.js';
import { FakePeerConnection } from './testing/fake-media.js';

const sdp = (payloads: string, setup: string, ufrag = 'one') =>
  [`m=audio 9 UDP/TLS/RTP/SAVPF ${payloads}`, 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:63 red/48000/2', `a=setup:${setup}`, `a=ice-ufrag:${ufrag}`, ''].join('\r\n');

/** A connection after its negotiation, in which we offered or answered. */
function make({ offered, local = sdp('111 63', 'actpass') }: { offered: boolean; local?: string }) {
  const pc = new FakePeerConnection();
  pc.localDescription = offered ? { type: 'offer', sdp: local } : { type: 'answer', sdp: sdp('111 63', 'active') };
  pc.remoteDescription = offered
    ? { type: 'answer', sdp: sdp('111 63', 'active', 'theirs') }
    : { type: 'offer', sdp: sdp('111 63', 'actpass', 'theirs') };
  let next = local;
  pc.createOffer = async () => ({ type: 'offer', sdp: next });
  return { pc: pc as unknown as RTCPeerConnection, fake: pc, restartIsDue: () => (next = sdp('111 63', 'actpass', 'two')) };
}

test('RED is sent by putting it first in the other side’s answer, and Opus is put first again', async () => {
  const { pc, fake } = make({ offered: true });
  await sendRed(pc, true);
  expect([fake.signalingState, fake.remoteDescription]).toEqual(['stable', { type: 'answer', sdp: sdp('63 111', 'active', 'theirs') }]);
  await sendRed(pc, false);
  expect(fake.remoteDescription?.sdp).toBe(sdp('111 63', 'active', 'theirs'));
});

test('the offer of the other side becomes an answer that agrees with ours on who begins with DTLS', async () => {
  const { pc, fake } = make({ offered: false });
  await sendRed(pc, true);
  expect(fake.remoteDescription).toEqual({ type: 'answer', sdp: sdp('63 111', 'passive', 'theirs') });
});

test('nothing is touched where a browser has no RED, in the middle of a negotiation, or if a restart is due', async () => {
  const without = make({ offered: true, local: sdp('111', 'actpass').replace(/a=rtpmap:63.*\r\n/, '') });
  const busy = make({ offered: true });
  busy.fake.signalingState = 'have-local-offer';
  const due = make({ offered: true });
  due.restartIsDue();
  for (const { pc, fake } of [without, busy, due]) {
    const before = [fake.signalingState, fake.localDescription, fake.remoteDescription];
    await sendRed(pc, true);
    expect([fake.signalingState, fake.localDescription, fake.remoteDescription]).toEqual(before);
  }
});
