/** Whether sound gets through the relay over one transport, and how well. */

import type { CheckContext, Outcome } from './check.js';
import type { Finding } from './findings.js';
import type { GatheringError } from './gathering.js';
import { relays } from './ice-urls.js';
import type { IceServer, RelayTransport } from './ice-urls.js';
import { Loop } from './loop.js';
import { passageOf } from './passage.js';
import type { Passage } from './passage.js';
import { stream } from './stream.js';

const RELAY_MS = 4_000;
/** Beyond these a talk is no pleasure. Opus conceals the loss of a packet now and then. */
const LOSSY = 0.03;
const SLOW_MS = 400;
const UNSTEADY_MS = 30;

/** Error codes of a TURN server, by what is wrong. */
const REFUSED: ReadonlySet<number> = new Set([400, 401, 403, 438, 441]);
const FULL: ReadonlySet<number> = new Set([486, 508]);

/** Tries the relays of that transport one after the other until one works, and tells of that one, or of the last. */
export async function checkRelay(
  context: CheckContext,
  iceServers: readonly RTCIceServer[],
  transport: RelayTransport,
): Promise<Outcome> {
  let outcome: Outcome = { finding: 'relay-not-offered' };
  for (const relay of relays(iceServers, transport)) {
    outcome = { ...(await tryRelay(context, relay)), target: relay.urls };
    if (outcome.figures) return outcome;
  }
  return outcome;
}

async function tryRelay(context: CheckContext, relay: IceServer): Promise<Outcome> {
  const began = performance.now();
  const loop = new Loop(context, relay);
  try {
    if (!(await loop.open())) return { finding: whyNot(loop) };
    const connectMs = performance.now() - began;
    const packets = await stream(loop, context.options.relayMs ?? RELAY_MS, context.signal);
    if (!packets) return { finding: 'relay-broke' };
    const passage = passageOf(packets);
    return { finding: judge(passage), figures: { connectMs, ...passage } };
  } finally {
    loop.close();
  }
}

function judge({ loss, rttMs, jitterMs }: Passage): Finding {
  if (loss === 1) return 'relay-broke';
  if (loss > LOSSY) return 'relay-lossy';
  if ((rttMs ?? 0) > SLOW_MS) return 'relay-slow';
  return (jitterMs ?? 0) > UNSTEADY_MS ? 'relay-unsteady' : 'relay-ok';
}

function whyNot({ gatherings }: Loop): Finding {
  const errors = gatherings.flatMap((gathering) => gathering.errors);
  const some = (codes: ReadonlySet<number>) => errors.some(({ code }: GatheringError) => codes.has(code));
  if (some(REFUSED)) return 'relay-refused';
  if (some(FULL)) return 'relay-full';
  return gatherings.every(({ candidates }) => candidates.length > 0) ? 'relay-no-path' : 'relay-unreachable';
}
