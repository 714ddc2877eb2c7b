import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Media } from './media.js';
import type { CtlMessage, MediaFrame, RemoteMediaFrame } from './media.js';
import { FakePeerConnection } from './testing/fake-media.js';
import { pass, settle } from './testing/fake-platform.js';
import { random } from './testing/random.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function make(polite: boolean) {
  const pc = new FakePeerConnection();
  const sent: MediaFrame[] = [];
  const heard: CtlMessage[] = [];
  const media = new Media({
    pc: pc as unknown as RTCPeerConnection,
    polite,
    send: (frame) => void sent.push(frame),
    refresh: async () => {},
    hidesAddresses: () => false,
    onTrack: () => {},
    onState: () => {},
    onCtl: (message) => void heard.push(message),
  });
  return { pc, media, sent, heard };
}

const remote = (frame: MediaFrame): RemoteMediaFrame => ({ ...frame, call: 'c', from: 'x/y' }) as RemoteMediaFrame;
const candidate = (n: number) => ({ candidate: `candidate:${n}`, sdpMid: '0' });
const found = (n: number) => ({ candidate: { candidate: `candidate:${n}`, toJSON: () => candidate(n) } });

test('candidates that come before the offer wait for it, and none is lost', async () => {
  const { media, pc } = make(true);
  media.receive(remote({ type: 'candidates', data: [candidate(1), candidate(2), null] }));
  media.receive({ type: 'candidate', call: 'c', from: 'x/y', data: candidate(3) });
  await settle();
  expect(pc.candidates).toEqual([]);
  media.receive(remote({ type: 'offer', data: { type: 'offer', sdp: 'o' } }));
  await settle();
  expect(pc.candidates).toEqual([candidate(1), candidate(2), candidate(3)]);
});

test('our candidates go out after 30 ms, at the 8th, and at once at the end', async () => {
  const { pc, sent } = make(false);
  pc.onicecandidate?.(found(1));
  pc.onicecandidate?.(found(2));
  await pass(29);
  expect(sent).toEqual([]);
  await pass(1);
  expect(sent).toEqual([{ type: 'candidates', data: [candidate(1), candidate(2)] }]);
  for (let i = 0; i < 8; i += 1) pc.onicecandidate?.(found(i));
  expect(sent).toHaveLength(2);
  pc.onicecandidate?.(found(9));
  pc.onicecandidate?.({ candidate: null });
  expect(sent[2]).toEqual({ type: 'candidates', data: [candidate(9), null] });
});

test('an offer takes the place of one that was not answered, without a rollback, and a late answer is ignored', async () => {
  const { media, pc, sent } = make(false);
  media.negotiate({ restart: false });
  await settle();
  media.negotiate({ restart: true });
  await settle();
  expect(sent.map((f) => f.type)).toEqual(['offer', 'offer']);
  media.receive(remote({ type: 'answer', data: { type: 'answer', sdp: 'to the first', n: 1 } }));
  await settle();
  expect(pc.signalingState).toBe('have-local-offer');
  media.receive(remote({ type: 'answer', data: { type: 'answer', sdp: 'to the second', n: 2 } }));
  await settle();
  expect(pc.remoteDescription?.sdp).toBe('to the second');
  expect(pc.rollbacks).toBe(0);
});

test('an answer repeats the number of its offer, and has none for a v1 client', async () => {
  const { media, sent } = make(true);
  media.receive(remote({ type: 'offer', data: { type: 'offer', sdp: 'o', n: 7 } }));
  media.receive(remote({ type: 'offer', data: { type: 'offer', sdp: 'o' } }));
  await settle();
  expect(sent.map((f) => (f.data as { n?: number }).n)).toEqual([7, undefined]);
  expect(media.remoteIsV1).toBe(true);
});

test('when offers meet, the caller insists and the callee gives way', async () => {
  const caller = make(false);
  const callee = make(true);
  caller.media.negotiate({ restart: true });
  callee.media.negotiate({ restart: true });
  await settle();
  const [fromCaller] = caller.sent.splice(0);
  const [fromCallee] = callee.sent.splice(0);
  caller.media.receive(remote(fromCallee!));
  callee.media.receive(remote(fromCaller!));
  await settle();
  expect(caller.sent).toEqual([]);
  expect(callee.sent.map((f) => f.type)).toEqual(['answer']);
  caller.media.receive(remote(callee.sent[0]!));
  await settle();
  expect(caller.pc.remoteDescription?.sdp).toBe(callee.pc.localDescription?.sdp);
});

/** Restarts and frames interleave at random; `restarter` picks the side that restarts. Returns how often one rolled back. */
async function interleave(restarter: (dice: () => number) => 0 | 1): Promise<number> {
  let rollbacks = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const dice = random(seed);
    const sides = [make(false), make(true)] as const;
    const wires: MediaFrame[][] = [[], []];
    const collect = () => sides.forEach((side, i) => wires[i]!.push(...side.sent.splice(0)));
    const deliver = (i: 0 | 1) => {
      const frame = wires[i]!.shift();
      if (frame) sides[i === 0 ? 1 : 0].media.receive(remote(frame));
    };
    for (let step = 0; step < 40; step += 1) {
      const roll = dice();
      if (roll < 0.15) sides[restarter(dice)].media.negotiate({ restart: true });
      else deliver(roll < 0.6 ? 0 : 1);
      if (dice() < 0.7) await settle();
      collect();
    }
    for (let i = 0; i < 200; i += 1) {
      await settle();
      collect();
      deliver(0);
      deliver(1);
    }
    const [a, b] = sides;
    expect([a.pc.signalingState, b.pc.signalingState], `seed ${seed}`).toEqual(['stable', 'stable']);
    expect(a.pc.localDescription, `seed ${seed}`).toEqual(b.pc.remoteDescription);
    expect(b.pc.localDescription, `seed ${seed}`).toEqual(a.pc.remoteDescription);
    rollbacks += a.pc.rollbacks + b.pc.rollbacks;
  }
  return rollbacks;
}

test('however restarts of both and frames interleave, both sides end with the same offer and answer', async () => {
  expect(await interleave((dice) => (dice() < 0.5 ? 0 : 1))).toBeGreaterThan(0);
});

test('as long as one side restarts, nothing is ever rolled back', async () => {
  expect(await interleave(() => 0)).toBe(0);
});

test('RED that is on stays on when a new description of the other side comes', async () => {
  const { media, pc } = make(false);
  const sdp = 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n';
  pc.createOffer = async () => ({ type: 'offer', sdp });
  const negotiate = async (n: number) => {
    media.negotiate({ restart: true });
    media.receive(remote({ type: 'answer', data: { type: 'answer', sdp, n } }));
    await settle();
  };
  const first = () => /SAVPF (\d+)/.exec(pc.remoteDescription?.sdp ?? '')?.[1];
  await negotiate(1);
  await media.sendRed(true);
  expect(first()).toBe('63');
  await negotiate(2);
  expect(first()).toBe('63');
  await media.sendRed(false);
  expect([first(), pc.signalingState]).toEqual(['111', 'stable']);
});

test('what is said on the data channel is heard, and nonsense is not', () => {
  const { pc, media, heard } = make(false);
  expect(media.tell({ type: 'hangup', reason: 'hung_up' })).toBe(false);
  pc.channel.readyState = 'open';
  expect(media.tell({ type: 'hangup', reason: 'hung_up' })).toBe(true);
  pc.channel.onmessage?.({ data: '{' });
  pc.channel.hear({ type: 'hangup', reason: 'hung_up' });
  expect(heard).toEqual([{ type: 'hangup', reason: 'hung_up' }]);
});

test('after close nothing is sent any more', async () => {
  const { media, pc, sent } = make(false);
  media.negotiate({ restart: false });
  pc.onicecandidate?.(found(1));
  media.close();
  await pass(100);
  expect(sent).toEqual([]);
  expect(pc.closed).toBe(true);
});
