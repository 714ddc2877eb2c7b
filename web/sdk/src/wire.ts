/**
 * The frames of protocol v2 as TypeScript types, in the words of docs/PROTOCOL.md.
 *
 * Types and constant tables only: no behaviour, so that the file can be generated.
 */

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Why a call ended, as the server says it. */
export type WireEndReason =
  | 'hung_up'
  | 'cancelled'
  | 'declined'
  | 'busy'
  | 'no_answer'
  | 'unreachable'
  | 'answered_elsewhere'
  | 'declined_elsewhere'
  | 'glare'
  | 'replaced'
  | 'media_failed'
  | 'user_media_failed'
  | 'connection_lost';

/** Reasons a client may give with `hangup`. */
export type HangupReason = 'hung_up' | 'media_failed' | 'connection_lost' | 'user_media_failed';

/** Codes of an `error` frame. */
export type WireErrorCode =
  | 'bad_frame'
  | 'unknown_type'
  | 'too_large'
  | 'hello_required'
  | 'unauthorized'
  | 'forbidden'
  | 'no_such_call'
  | 'bad_state'
  | 'already_answered'
  | 'already_in_call'
  | 'rate_limited'
  | 'unavailable';

/** WebSocket close codes with a meaning of their own. */
export const CLOSE = {
  protocolError: 1002,
  unsupported: 1003,
  notText: 1007,
  tooBig: 1009,
  restart: 1012,
  gap: 4007,
  slow: 4008,
  idle: 4010,
  helloTimeout: 4011,
  rateLimited: 4029,
  unauthorized: 4501,
  forbidden: 4503,
  replaced: 4509,
  misbehaved: 4520,
} as const;

/** The subprotocol a v2 client asks for. */
export const SUBPROTOCOL = 'tincan.v2';

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

export interface CallUpdate {
  media?: 'connected' | 'lost';
  muted?: boolean;
}

/** A live call of this device, as listed by `welcome`. `state` is `ringing` before accept. */
export interface CallSnapshot {
  call: string;
  role: 'caller' | 'callee';
  peer: string;
  state: string;
  age_ms: number;
  data?: { [key: string]: JsonValue };
}

export interface HelloData {
  token?: string;
  guest?: string;
  device: string;
  resume?: { session: string; secret: string; ack: number };
}

export interface WelcomeData {
  user: string;
  device: string;
  session: string;
  secret: string;
  resumed: boolean;
  ack: number;
  resume_s: number;
  calls: CallSnapshot[];
}

/** Frames of a client that are numbered. */
export type ClientFrame =
  | { type: 'call-request'; call: string; to: string; data: { [key: string]: JsonValue } }
  | { type: 'call-ringing'; call: string }
  | { type: 'call-accept'; call: string }
  | { type: 'call-reject'; call: string; data: { reason?: string; scope: 'all' | 'here' } }
  | { type: 'call-cancel'; call: string }
  | { type: 'hangup'; call: string; data: { reason: HangupReason } }
  | { type: 'offer' | 'answer'; call: string; data: WireDescription }
  | { type: 'candidates'; call: string; data: (WireCandidate | null)[] }
  | { type: 'call-update'; call: string; data: CallUpdate }
  | { type: 'ice-servers-request' };

/** A client's frame on its way: named and numbered. */
export type NumberedFrame = ClientFrame & { id?: string; seq: number; ack?: number };

/** Frames of a client that belong to the connection and are not numbered. */
export type ClientConnectionFrame =
  | { type: 'hello'; data: HelloData }
  | { type: 'ack'; ack: number }
  | { type: 'ping' };

/** Numbered frames of the server, without `seq` and `ack`. */
export type ServerFrame =
  | { type: 'call-delivered'; call: string; data: { devices: number } }
  | { type: 'call-ringing'; call: string; from: string }
  | { type: 'call-request'; call: string; from: string; data?: { [key: string]: JsonValue }; exp?: number }
  | { type: 'call-accept'; call: string; from?: string; data: { peer: string } }
  | { type: 'offer' | 'answer'; call: string; from: string; data: WireDescription }
  | { type: 'candidate'; call: string; from: string; data: WireCandidate | null }
  | { type: 'candidates'; call: string; from: string; data: (WireCandidate | null)[] }
  | { type: 'call-update'; call: string; from: string; data: CallUpdate }
  | { type: 'call-ended'; call: string; data: { reason: WireEndReason; by?: string; talk_ms?: number; call?: string } }
  | { type: 'error'; re?: string; call?: string; data: { code: WireErrorCode; message?: string; retry_ms?: number } }
  | { type: 'ice-servers-response'; re?: string; data: { iceServers: RTCIceServer[] } };

/** Frames of the server that belong to the connection and are not numbered. */
export type ServerConnectionFrame =
  | { type: 'welcome'; data: WelcomeData }
  | { type: 'ack'; ack: number }
  | { type: 'ping' }
  | { type: 'pong' }
  | { type: 'goaway'; data: { reconnect_in_ms: number } };
