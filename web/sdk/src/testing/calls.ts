/** A registered device with one call, as far as a test wants it. */

import type { Call } from '../call.js';
import type { CallError } from '../errors.js';
import type { WireState } from '../wire.js';
import type { FakePeerConnection } from './fake-media.js';
import { pass, registered, settle } from './fake-platform.js';
import type { Bench } from './fake-platform.js';
import { BOB, fromServer } from './from-server.js';

/** The id of a call that comes in. */
export const ID = 'BBBBBBBBBBBBBBBBBBBBBB';

/** The code that a promise rejects with, or `none`. */
export const code = (promise: Promise<unknown>) =>
  promise.then(() => 'none', (error: unknown) => (error as CallError).code);

interface InCall extends Bench {
  call: Call;
}

interface Talking extends InCall {
  flowing: { stop: () => void };
}

export async function outgoing(): Promise<InCall> {
  const made = await registered();
  return { ...made, call: await made.device.connect({ to: 'bob' }) };
}

export async function incoming(): Promise<InCall> {
  const made = await registered();
  made.server.send(fromServer.request(ID));
  return { ...made, call: made.device.calls[0]! };
}

/** Sound flows from now on, until the test says otherwise. */
export function flow(pc: FakePeerConnection): { stop: () => void } {
  let packets = 0;
  let flowing = true;
  pc.getStats = async () => {
    if (flowing) packets += 25;
    return new Map([['i', { id: 'i', type: 'inbound-rtp', kind: 'audio', packetsReceived: packets }]]);
  };
  return { stop: () => void (flowing = false) };
}

export async function connected(): Promise<Talking> {
  const made = await outgoing();
  made.server.send(fromServer.accept(made.call.id));
  await settle();
  const flowing = flow(made.pc());
  made.server.send({
    type: 'answer',
    call: made.call.id,
    from: BOB,
    data: { type: 'answer', sdp: 'a', n: 1 },
  });
  await settle();
  made.pc().become('connected');
  made.server.ack();
  return { ...made, flowing };
}

/** The same as the callee; `n` is the number of the caller's offer, which one of v1 does not have. */
export async function connectedCallee(offer: { n?: number } = { n: 1 }): Promise<Talking> {
  const made = await incoming();
  await made.call.accept();
  made.server.send(fromServer.accept(ID));
  await settle();
  const flowing = flow(made.pc());
  made.server.send({ type: 'offer', call: ID, from: BOB, data: { type: 'offer', sdp: 'o', ...offer } });
  await settle();
  made.pc().become('connected');
  made.server.ack();
  return { ...made, flowing };
}

/** The server is killed and comes back without memory of the session. */
export async function restart({ server, call }: InCall, state?: WireState): Promise<void> {
  server.close();
  await pass(300);
  if (server.socket.readyState === 3) await pass(300);
  server.open();
  const listed = { call: call.id, role: 'caller', peer: BOB, age_ms: 5_000 } as const;
  server.welcome({ calls: state ? [{ ...listed, state }] : [] });
  await settle();
}
