/**
 * What a call does about a refusal, and about the server's list of calls after the session was lost. Pure: the acts are
 * carried out in `call-core.ts`.
 */

import { isAccepted } from './call-state.js';
import type { CallErrorCode } from './errors.js';
import type { CallState } from './types.js';
import type { Snapshot } from './wire.js';

type AfterRefusal =
  /** The request was not taken: the call failed. */
  | 'fail'
  /** Another device of ours accepted. */
  | 'elsewhere'
  /** The server knows of no such call, and there is no sound either: it is over. */
  | 'lost'
  /** The server knows of no such call, but sound flows, or may again: go on without the server. */
  | 'detach'
  /** The accept was not carried out: it still rings. */
  | 'ring-on'
  /** Nothing changes; whoever listens hears of it. */
  | 'report'
  | 'ignore';

/** After an `error` frame about the call. */
export function afterRefusal(state: CallState, code: CallErrorCode): AfterRefusal {
  switch (state) {
    case 'requesting':
      return 'fail';
    case 'incoming':
    case 'accepting':
      if (code === 'already-answered') return 'elsewhere';
      if (code === 'call-ended') return 'lost';
      return state === 'accepting' ? 'ring-on' : 'report';
    case 'delivered':
    case 'ringing':
      return code === 'call-ended' ? 'lost' : 'report';
    case 'negotiating':
    case 'connected':
    case 'reconnecting':
      if (code === 'call-ended') return state === 'negotiating' ? 'lost' : 'detach';
      // The other device is away for a moment. An offer that matters is made again, the rest is said over `ctl` too.
      return code === 'unavailable' ? 'ignore' : 'report';
    case 'ended':
      return 'ignore';
  }
}

type AfterForgetting =
  | 'keep'
  | 'lost'
  | 'detach'
  /** It was accepted while we could not hear of it. */
  | 'accepted'
  /** Sound flows: say so again, since that may not have been stored. */
  | 'say-connected'
  /** No sound flows: the caller makes a new offer, the old one may be lost. */
  | 'start-over'
  | 'say-ringing'
  | 'say-accept'
  | 'rings'
  | 'delivered';

/**
 * After `welcome` without resume. `listed` is what the server says of this call, if it knows it; `resent` says that
 * something about it was just sent again, so that the server is about to learn of it.
 */
export function afterForgetting(
  state: CallState,
  listed: Pick<Snapshot, 'state'> | undefined,
  resent: boolean,
): AfterForgetting {
  if (!listed) {
    if (resent) return 'keep';
    return state === 'connected' ? 'detach' : 'lost';
  }
  if (isAccepted(listed.state)) {
    if (!isAccepted(state)) return 'accepted';
    return state === 'connected' ? 'say-connected' : 'start-over';
  }
  if (state === 'incoming') return 'say-ringing';
  if (state === 'accepting') return resent ? 'keep' : 'say-accept';
  if (listed.state === 'ringing') return 'rings';
  return listed.state === 'delivered' ? 'delivered' : 'keep';
}
