/**
 * The states of a call on this device, and what leads from one to the next. Pure.
 *
 * ```text
 *             delivered              rings
 * requesting ----------> delivered ---------> ringing
 *     |                      |                   |
 *     '---------- accepted --+-------------------+---.
 *                                                    v   media-up           media-lost
 *                                               negotiating -----> connected ---------> reconnecting
 *                                                    ^                 ^--- media-up --------'
 * incoming --accept--> accepting ------ accepted ----'
 *     ^--accept-failed-----'
 *
 * every state --end--> ended
 * ```
 *
 * What has no arrow is late or doubled and changes nothing: a frame that overtook, a receipt that came after the accept.
 */

import type { CallState } from './types.js';
import type { WireState } from './wire.js';

export type CallEvent =
  | 'delivered'
  | 'rings'
  | 'accept'
  | 'accept-failed'
  | 'accepted'
  | 'media-up'
  | 'media-lost'
  | 'end';

const TABLE: Record<CallState, Partial<Record<CallEvent, CallState>>> = {
  requesting: { delivered: 'delivered', rings: 'ringing', accepted: 'negotiating', end: 'ended' },
  delivered: { rings: 'ringing', accepted: 'negotiating', end: 'ended' },
  ringing: { accepted: 'negotiating', end: 'ended' },
  incoming: { accept: 'accepting', end: 'ended' },
  accepting: { 'accept-failed': 'incoming', accepted: 'negotiating', end: 'ended' },
  negotiating: { 'media-up': 'connected', end: 'ended' },
  connected: { 'media-lost': 'reconnecting', end: 'ended' },
  reconnecting: { 'media-up': 'connected', end: 'ended' },
  ended: {},
};

/** The state after `event`; `undefined` if it changes nothing in `state`. */
export function next(state: CallState, event: CallEvent): CallState | undefined {
  return TABLE[state][event];
}

/** Whether a device accepted, and the call is not over. The server has the same words for it. */
export function isAccepted(state: CallState | WireState): boolean {
  return state === 'negotiating' || state === 'connected' || state === 'reconnecting';
}
