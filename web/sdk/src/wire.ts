/**
 * The wire as the SDK speaks it: the generated frames, with the shapes of what is opaque to the server.
 *
 * The rest of the SDK imports from here and not from `wire.gen.ts`, so that one file knows what was generated and how.
 * Names that would be mistaken for something of the SDK's own (`EndReason`, `State`) get a prefix.
 */

import type * as wire from './wire.gen.js';

export { CLOSE, LIMITS, REMEDIES, SUBPROTOCOL } from './wire.gen.js';
export type {
  CallPath,
  CallQuality,
  CallUpdate,
  Cause,
  ClientConnectionFrame,
  CloseCode,
  EndReason as WireEndReason,
  ErrorCode as WireErrorCode,
  HangUpReason,
  IceServers as IceServersResponse,
  Reject,
  Remedy,
  State as WireState,
  WireError,
} from './wire.gen.js';

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** What a request says besides whom to ring; handed to every device that rings. */
export type RequestData = { [key: string]: JsonValue };

/** One ICE candidate as it travels; `null` at the end of a list says that gathering is done. */
export interface WireCandidate {
  candidate?: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
}

/**
 * An SDP as it travels. `n` numbers the offers of one side; an answer repeats the `n` of its offer, so that an
 * answer to an offer that was since withdrawn is told apart. A v1 client sends none.
 */
export interface WireDescription {
  type: 'offer' | 'answer';
  sdp: string;
  n?: number;
}

/** What the server does not look into. */
interface Opaque extends wire.Opaque {
  request: RequestData;
  offer: WireDescription;
  answer: WireDescription;
  candidate: WireCandidate | null;
  candidates: (WireCandidate | null)[];
}

export type Snapshot = wire.Snapshot<Opaque>;
export type Welcome = wire.Welcome<Opaque>;
export type ClientFrame = wire.ClientFrame<Opaque>;
export type ServerFrame = wire.ServerFrame<Opaque>;

/** A client's frame of the session on its way: named and numbered. */
export type NumberedFrame = ClientFrame & wire.Numbers & wire.Named;

/** Anything that a server sends, as it arrives. Any frame may acknowledge. */
export type ArrivingFrame = ((ServerFrame & wire.Numbers) | wire.ServerConnectionFrame<Opaque>) & { ack?: number };
