/**
 * The frames of protocol v2 as TypeScript types and tables, in the words of docs/PROTOCOL.md.
 *
 * Generated from crates/proto by `make gen`; a test compares. Do not edit.
 */

/** A user's or a device's name: 1–64 characters of `A–Z a–z 0–9 . _ -`. */
export type Name = string;

/** A device of a user, as `user/device`. */
export type Address = string;

/** 16 random bytes as 22 characters of base64url. */
export type CallId = string;

/** What passes from one client to the other and is opaque to the server. */
export interface Opaque {
  request: unknown;
  offer: unknown;
  answer: unknown;
  candidate: unknown;
  candidates: unknown;
}

/** The subprotocol a v2 client asks for. */
export const SUBPROTOCOL = 'tincan.v2';

/** What a server takes at most. */
export const LIMITS = {
  frameBytes: 65536,
  requestDataBytes: 4096,
  depth: 32,
  nameCharacters: 64,
  windowFrames: 256,
  windowBytes: 262144,
} as const;

/** Where a call stands, as the server sees it. */
export type State =
  | 'requested'
  | 'delivered'
  | 'ringing'
  | 'negotiating'
  | 'connected'
  | 'reconnecting'
  | 'ended';

/** The part a device plays in a call. */
export type Role = 'caller' | 'callee';

/** Why a call, or one leg of it, ended. */
export type EndReason =
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

/** The end reasons that a client may give. */
export type HangUpReason = 'hung_up' | 'media_failed' | 'user_media_failed' | 'connection_lost';

/** Why a callee's device rejects. */
export type RejectReason = 'declined' | 'busy';

/** How far a reject reaches: all devices, or only this one. */
export type Scope = 'all' | 'here';

/** What a leg says of its media. */
export type Media = 'connected' | 'lost';

/** The way that a call's sound takes. */
export type CallPath = 'direct' | 'relay_udp' | 'relay_tcp' | 'relay_tls' | 'unknown';

/** What is to blame for a poor call, as its client sees it. */
export type Cause = 'none' | 'own_network' | 'peer_network' | 'relay';

/** What an `error` frame says, and what to do about it, for the developer. */
export const ERROR_CODES = {
  bad_frame: "not a JSON object of the protocol's shape; mend the client",
  unknown_type: 'no such type in this version',
  too_large: '`data` is over its limit (4 KiB in `call-request`)',
  hello_required: 'the first frame must be `hello`',
  unauthorized: 'the token is missing, wrong or expired: fetch a new one',
  forbidden: 'this identity may not do that',
  no_such_call: 'no live call of this device has that id; drop it',
  bad_state: 'the call is not in a state for that frame',
  already_answered: 'another device was first',
  already_in_call: 'this device has a live call: end it first',
  rate_limited: 'slow down; `retry_ms` says for how long',
  unavailable: 'the server could not store it; nothing happened, send it again',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The close codes by name. */
export const CLOSE = {
  normal: 1000,
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

/** What a client does after a close. */
export const REMEDIES = {
  1000: 'stop',
  1002: 'mend',
  1003: 'mend',
  1007: 'mend',
  1009: 'mend',
  1012: 'reconnect',
  4007: 'reconnect',
  4008: 'reconnect',
  4010: 'reconnect',
  4011: 'reconnect',
  4029: 'reconnect',
  4501: 'new_token',
  4503: 'stop',
  4509: 'stop',
  4520: 'stop',
} as const;

export type CloseCode = keyof typeof REMEDIES;
export type Remedy = (typeof REMEDIES)[CloseCode];

/** The session that a client had. */
export interface Resume {
  session: string;
  secret: string;
  ack: number;
}

/** Opens a session with a signed access token. */
export interface TokenHello {
  token: string;
  device: Name;
  resume?: Resume;
}

/** Opens a session with a name alone; on loopback only. */
export interface GuestHello {
  guest: Name;
  device: Name;
  resume?: Resume;
}

/** A callee's no; on all devices and as `declined` unless it says otherwise. */
export interface Reject {
  reason?: RejectReason;
  scope?: Scope;
}

/** Why a call is hung up; `hung_up` unless it says otherwise. */
export interface HangUp {
  reason?: HangUpReason;
}

/** How a leg is. */
export interface CallUpdate {
  media?: Media;
  muted?: boolean;
}

/** Which ICE servers are wanted. `relay_only`: the other side shall learn no address of this one. */
export interface IceAsk {
  relay_only?: boolean;
}

/** What a leg's client measured since its last report; what its browser does not tell is left out. */
export interface CallQuality {
  samples: number;
  mos: number;
  mos_min: number;
  poor: number;
  concealed_ppm?: number;
  lost_ppm?: number;
  remote_lost_ppm?: number;
  rtt_ms?: number;
  jitter_ms?: number;
  path: CallPath;
  cause: Cause;
}

/** A live call of the device that is welcomed. `exp` and `data` are as in a `call-request`: the one while it rings, the other for a device that rings. */
export interface Snapshot<O extends Opaque = Opaque> {
  call: CallId;
  role: Role;
  peer: Address | Name;
  state: State;
  age_ms: number;
  exp?: number;
  data?: O['request'];
}

/** An open session. */
export interface Welcome<O extends Opaque = Opaque> {
  user: Name;
  device: Name;
  session: string;
  secret: string;
  resumed: boolean;
  ack: number;
  resume_s: number;
  calls: Snapshot<O>[];
}

/** When to reconnect. */
export interface Goaway {
  reconnect_in_ms: number;
}

/** Why a frame could not be carried out; `message` is for the developer. */
export interface WireError {
  code: ErrorCode;
  message: string;
  retry_ms?: number;
}

/** How many devices have the request. */
export interface Delivered {
  devices: number;
}

/** The other side of the call. */
export interface Accepted {
  peer: Address;
}

/** How a call ended. `by` is absent if time or the server ended it; `call` is the one that goes on after glare. */
export interface Ended {
  reason: EndReason;
  by?: Address;
  call?: CallId;
  talk_ms: number;
}

/** For an `RTCPeerConnection`. `relay_only`: no other candidates are taken in this call; `ttl_s`: how long the credentials make a new relay. */
export interface IceServers {
  iceServers: RTCIceServer[];
  relay_only: boolean;
  ttl_s: number;
}

/** How a session is opened. */
export type Hello = TokenHello | GuestHello;

/** A client's frame of the session, before it is numbered. */
export type ClientFrame<O extends Opaque = Opaque> =
  | { type: 'call-request'; call: CallId; to: Name; data?: O['request'] }
  | { type: 'call-ringing'; call: CallId }
  | { type: 'call-accept'; call: CallId }
  | { type: 'call-reject'; call: CallId; data?: Reject }
  | { type: 'call-cancel'; call: CallId }
  | { type: 'hangup'; call: CallId; data?: HangUp }
  | { type: 'offer'; call: CallId; data: O['offer'] }
  | { type: 'answer'; call: CallId; data: O['answer'] }
  | { type: 'candidate'; call: CallId; data: O['candidate'] }
  | { type: 'candidates'; call: CallId; data: O['candidates'] }
  | { type: 'call-update'; call: CallId; data: CallUpdate }
  | { type: 'ice-servers-request'; call?: CallId; data?: IceAsk }
  | { type: 'call-quality'; call: CallId; data: CallQuality };

/** A client's frame of the connection, unnumbered. */
export type ClientConnectionFrame =
  | { type: 'hello'; data: Hello }
  | { type: 'ack'; ack: number }
  | { type: 'ping' };

/** A server's frame of the session, without its number. */
export type ServerFrame<O extends Opaque = Opaque> =
  | { type: 'error'; re?: string; call?: CallId; data: WireError }
  | { type: 'call-request'; call: CallId; from: Address; data?: O['request']; exp: number }
  | { type: 'call-delivered'; call: CallId; data: Delivered }
  | { type: 'call-ringing'; call: CallId; from: Address }
  | { type: 'call-accept'; call: CallId; from: Address; data: Accepted }
  | { type: 'call-ended'; call: CallId; data: Ended }
  | { type: 'offer'; call: CallId; from: Address; data: O['offer'] }
  | { type: 'answer'; call: CallId; from: Address; data: O['answer'] }
  | { type: 'candidate'; call: CallId; from: Address; data: O['candidate'] }
  | { type: 'candidates'; call: CallId; from: Address; data: O['candidates'] }
  | { type: 'call-update'; call: CallId; from: Address; data: CallUpdate }
  | { type: 'ice-servers-response'; re?: string; data: IceServers };

/** A server's frame of the connection, unnumbered. */
export type ServerConnectionFrame<O extends Opaque = Opaque> =
  | { type: 'welcome'; data: Welcome<O> }
  | { type: 'ack'; ack: number }
  | { type: 'pong' }
  | { type: 'goaway'; data: Goaway };

/** What a frame of the session has besides: its number, and what arrived from the other side. */
export interface Numbers {
  seq: number;
  ack?: number;
}

/** What a client may call a frame, so that an `error` can name it. At most 64 characters. */
export interface Named {
  id?: string;
}
