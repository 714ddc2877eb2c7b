/** When and whether to connect again: the back-off, and what to do after each close code. Pure. */

import type { CallErrorCode } from './errors.js';
import { CLOSE, REMEDIES } from './wire.js';
import type { CloseCode, Remedy } from './wire.js';

/** Milliseconds before the first, second, … attempt after a loss; the last one repeats. */
export const BACK_OFF_MS: readonly number[] = [0, 300, 1000, 2000, 4000, 7000];

/** The pause after the server said that we send too much. */
const LATER_MS = 10_000;

/**
 * The pause before a client that the server cannot understand comes back. PROTOCOL.md says `mend`, which only the
 * developer can; until then its user must still be able to call. What the server could not take is among what we have
 * not seen acknowledged, and a resume would send it again and be closed again: so it is a new session, without it. The
 * pause keeps pages with that fault from being a load on the server.
 */
const MEND_MS = 7_000;

/**
 * The pause before attempt number `attempt` (from 0), `random` being from 0 up to 1. Up to a quarter, and at least up
 * to 100 ms, is added, so that the clients of a server that restarts do not all come at once.
 */
export function backOff(attempt: number, random: number): number {
  const base = BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)]!;
  return base + random * Math.max(100, base / 4);
}

/** What to do about a closed connection. */
type AfterClose =
  /** Connect again and resume the session. */
  | { act: 'resume'; notBeforeMs: number }
  /** Connect again, with a new session: something in the old one was not acceptable and must not be sent again. */
  | { act: 'start-anew'; notBeforeMs: number }
  /** Fetch a new token, then connect again. */
  | { act: 'new-token' }
  /** Do not connect again. */
  | { act: 'stop'; error: CallErrorCode };

/** The codes after which we stay away. */
type StopCode = { [C in CloseCode]: (typeof REMEDIES)[C] extends 'stop' ? C : never }[CloseCode];

/** What our user is told about each of them. */
const STOPPED: Record<Exclude<StopCode, typeof CLOSE.normal>, CallErrorCode> = {
  [CLOSE.forbidden]: 'forbidden',
  [CLOSE.replaced]: 'session-replaced',
  [CLOSE.misbehaved]: 'internal',
};

/** What PROTOCOL.md says about a close code. */
export function afterClose(code: number): AfterClose {
  switch (remedyFor(code)) {
    case 'reconnect':
      return { act: 'resume', notBeforeMs: code === CLOSE.rateLimited ? LATER_MS : 0 };
    case 'mend':
      return { act: 'start-anew', notBeforeMs: MEND_MS };
    case 'new_token':
      return { act: 'new-token' };
    case 'stop':
      return { act: 'stop', error: STOPPED[code as keyof typeof STOPPED] };
  }
}

function remedyFor(code: number): Remedy {
  // The server closes with 1000 only in reply to our own close, after which we no longer listen. One that is heard is of
  // something in between, such as a proxy that restarts.
  if (code === CLOSE.normal) return 'reconnect';
  // Any code that is not in the table is a lost connection.
  return REMEDIES[code as CloseCode] ?? 'reconnect';
}
