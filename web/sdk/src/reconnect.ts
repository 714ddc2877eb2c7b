/** When and whether to connect again: the back-off and the table of close codes. Pure. */

import type { CallErrorCode } from './errors.js';
import { CLOSE } from './wire.js';

/** Milliseconds before the first, second, … attempt after a loss; the last one repeats. */
export const BACK_OFF_MS: readonly number[] = [0, 300, 1000, 2000, 4000, 7000];

/** The pause after the server said that we send too much. */
const LATER_MS = 10_000;

/**
 * The pause before attempt number `attempt` (from 0), `random` being from 0 up to 1. Up to a quarter, and at least up
 * to 100 ms, is added, so that the clients of a server that restarts do not all come at once.
 */
export function backOff(attempt: number, random: number): number {
  const base = BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)]!;
  return base + random * Math.max(100, base / 4);
}

/** What to do about a closed connection. */
export type AfterClose =
  /** Connect again and resume the session. */
  | { act: 'resume'; notBeforeMs: number }
  /** Connect again, with a new session: something in the old one was not acceptable and must not be sent again. */
  | { act: 'start-anew'; notBeforeMs: number }
  /** Fetch a new token, then connect again. */
  | { act: 'new-token' }
  /** Do not connect again. */
  | { act: 'stop'; error: CallErrorCode };

/** What PROTOCOL.md says about a close code. Any code without a row of its own is a lost connection. */
export function afterClose(code: number): AfterClose {
  switch (code) {
    case CLOSE.protocolError:
    case CLOSE.unsupported:
    case CLOSE.notText:
    case CLOSE.tooBig:
      return { act: 'start-anew', notBeforeMs: BACK_OFF_MS.at(-1)! };
    case CLOSE.rateLimited:
      return { act: 'resume', notBeforeMs: LATER_MS };
    case CLOSE.unauthorized:
      return { act: 'new-token' };
    case CLOSE.forbidden:
      return { act: 'stop', error: 'forbidden' };
    case CLOSE.replaced:
      return { act: 'stop', error: 'session-replaced' };
    case CLOSE.misbehaved:
      return { act: 'stop', error: 'internal' };
    default:
      return { act: 'resume', notBeforeMs: 0 };
  }
}
