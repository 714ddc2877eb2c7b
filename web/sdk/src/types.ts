/**
 * The public types of the SDK: options, events and records. Classes live beside their code.
 *
 * All times named `…Ms` are milliseconds; `at` is milliseconds since the Unix epoch on this machine's clock.
 */

import type { Call } from './call.js';
import type { CallError } from './errors.js';
import type { Platform } from './platform.js';
import type { CallPath, Cause, JsonValue, WireEndReason } from './wire.js';

export type { CallPath, Cause, JsonValue, Reject as RejectOptions } from './wire.js';

/**
 * Where a device stands with its server.
 *
 * `idle → registering → registered ⇄ reconnecting`, back to `idle` by {@link Device.unregister} or when the server
 * turns the device away, and `destroyed` for good.
 */
export type DeviceState = 'idle' | 'registering' | 'registered' | 'reconnecting' | 'destroyed';

/** Where a call stands. The graph is in `call-state.ts`. */
export type CallState =
  /** Outgoing: sent, the server has not said anything yet. */
  | 'requesting'
  /** Outgoing: at least one device of the callee was handed the request. */
  | 'delivered'
  /** Outgoing: at least one device alerts its user now. */
  | 'ringing'
  /** Incoming: waits for `accept()`, `reject()` or `ignore()`. */
  | 'incoming'
  /** Incoming: the microphone is being opened, or the server has yet to confirm the accept. */
  | 'accepting'
  /** Accepted; the two browsers look for a path. */
  | 'negotiating'
  /** Sound flows. */
  | 'connected'
  /** Sound stopped; a new path is being sought. */
  | 'reconnecting'
  | 'ended';

/** Why a call ended. `failed` is ours: the request was refused, and `CallSummary.error` says why. */
export type EndReason = WireEndReason | 'failed';

/** How a call ended. */
export interface CallSummary {
  reason: EndReason;
  /** Who ended it; `server` also for what time decides, such as `no_answer`. */
  by: 'local' | 'remote' | 'server';
  /** How long sound could flow, in milliseconds; 0 if it never did. */
  talkMs: number;
  at: number;
  /** The error behind the end, if there was one. */
  error?: CallError;
}

/** The other person. `device` is known once a device of theirs rang us or accepted. */
export interface Peer {
  user: string;
  device?: string;
}

export interface StateChange<S> {
  from: S;
  to: S;
  at: number;
}

/** Loudness of both ends, 0 (−60 dBFS or less) to 1 (full scale), linear in decibels. */
export interface Level {
  input: number;
  output: number;
}

/** Something the user should know, although the call goes on. */
export interface Warning {
  name:
    /** The microphone went away (unplugged, taken by the system); another one was opened if there is one. */
    | 'input-lost'
    /** The browser refuses to play sound until the user clicks: call `device.audio.unlock()` in a click handler. */
    | 'playback-blocked'
    /** The chosen speaker went away; sound goes to the default one. */
    | 'output-lost'
    /** The server no longer knows this call; it goes on, but no new path can be found if this one breaks. */
    | 'detached';
  /** A sentence for the user. */
  message: string;
}

/** One reading of the connection's statistics. A member is absent where the browser does not tell. */
export interface Sample {
  at: number;
  path: Path;
  /** Round-trip time, milliseconds. */
  rttMs?: number;
  /** Interarrival jitter of what we receive, milliseconds. */
  jitterMs?: number;
  packetsReceived: number;
  packetsLost: number;
  packetsSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** Audio samples that were made up, and all samples played, since the start; their quotient is the real loss. */
  concealedSamples?: number;
  totalSamples?: number;
  /** Those of the made up samples that were silence or soft noise: nothing was missing there that anybody spoke. */
  silentConcealedSamples?: number;
  /** How long played samples waited for their turn in all, in seconds, and how many they were. */
  bufferDelayS?: number;
  bufferSamples?: number;
  /** Share of our packets the other side did not get, 0 to 1. */
  remoteFractionLost?: number;
  /** How this side reaches its relay, if it uses one. */
  relayProtocol?: 'udp' | 'tcp' | 'tls';
  codec?: string;
}

/**
 * How good the call is on this side, from the last seconds. The `quality` event comes when `bars`, `remoteBars` or `cause`
 * changes; the figures beside them in `call.quality` are new each second.
 */
export interface Quality {
  /** 4 clear, 3 fair, 2 poor, 1 bad, 0 no sound arrives. */
  bars: Bars;
  /** The same as the other side hears it; `undefined` if it does not say. */
  remoteBars: Bars | undefined;
  /** Mean opinion score (ITU-T G.107), 1 to 4.5, smoothed over 5 s. From sound that was made up, not from lost packets. */
  mos: number;
  /** What is to blame if either side hears badly. */
  cause: Cause;
  /** A sentence for the user; empty when nothing is wrong. */
  sentence: string;
  /** Which way the sound takes, and how this side reaches its relay. */
  path: CallPath;
  /** Round trip, milliseconds; `undefined` where the browser does not tell. */
  rttMs: number | undefined;
  /** Share of the other side's packets that did not arrive in the last 5 s, 0 to 1. */
  lost: number;
  /** Of what comes in; `undefined` where the browser does not tell. */
  codec: string | undefined;
}

export type Bars = 0 | 1 | 2 | 3 | 4;

/** `direct`: from browser to browser. `relay`: through a TURN relay, as ciphertext. */
export type Path = 'direct' | 'relay' | 'unknown';

/** Why a token is asked for: first use, the old one ends soon, or the server refused the old one. */
export interface TokenRequest {
  reason: 'start' | 'expiring' | 'rejected';
}

export interface DeviceOptions {
  /** Address of the signaling socket. Default: `/ws` on the page's own host, `wss:` on `https:`. */
  url?: string;
  /** Returns a fresh JWT for this user. Asked again whenever one is needed. */
  token?: (why: TokenRequest) => Promise<string>;
  /** A user name without a token. Servers take it on loopback only. */
  guest?: string;
  /**
   * Name of this device, 1–64 characters of `A–Z a–z 0–9 . _ -`. Default: a random one that survives a reload of the
   * tab; a duplicated tab gets its own.
   */
  device?: string;
  /** `server` (default): ask the server for each call. Or a fixed list. */
  iceServers?: 'server' | RTCIceServer[];
  /**
   * The other side learns no address of yours: all sound goes through a relay. Default: as the server says. Without a
   * relay among the ICE servers no call can connect.
   */
  relayOnly?: boolean;
  /** Merged over the default microphone constraints (echo cancellation, noise suppression, gain control, mono). */
  audio?: MediaTrackConstraints;
  /** @internal What the browser offers; replaced in tests. */
  platform?: Partial<Platform>;
}

export interface ConnectOptions {
  /** The user to call. */
  to: string;
  /** Handed to every device that rings, as `call.context`; at most about 4000 bytes of JSON. */
  context?: JsonValue;
  /** Gives up while the microphone is being opened. Afterwards use `call.hangup()`. */
  signal?: AbortSignal;
}

export interface DeviceEvents {
  state: StateChange<DeviceState>;
  registered: { user: string; device: string; resumed: boolean };
  /** The socket was lost; the next attempt comes in `inMs`. Calls go on. */
  reconnecting: { attempt: number; inMs: number };
  /** The server turned this device away for good, or `unregister()` was called (then without `error`). */
  unregistered: { error?: CallError };
  incoming: Call;
  /** A call of this device began or ended: `device.calls` changed. */
  calls: readonly Call[];
  error: CallError;
}

export interface CallEvents {
  state: StateChange<CallState>;
  /** So many devices of the callee have the request; said again when the number grows. */
  delivered: { devices: number };
  /** A device of the callee alerts its user now, for example `bob/phone`. */
  ringing: { device: string };
  /** Accepted, by us or by the other side. */
  accept: { peer: Peer };
  reconnecting: { cause: 'silence' | 'failed' };
  reconnected: { afterMs: number };
  /** Our microphone was muted or unmuted. */
  mute: boolean;
  /** The other side muted or unmuted. */
  remoteMute: boolean;
  /** About ten times a second, as long as somebody listens. */
  level: Level;
  /** How good the call is has changed; see {@link Quality}. */
  quality: Quality;
  warning: Warning;
  error: CallError;
  ended: CallSummary;
}

export interface AudioDevice {
  /** For `setInput` and `setOutput`. Empty until the user has allowed the microphone once. */
  id: string;
  /** Empty until the user has allowed the microphone once. */
  label: string;
}

export interface AudioEvents {
  /** Devices were plugged in or out, or their labels became known. */
  change: { inputs: readonly AudioDevice[]; outputs: readonly AudioDevice[] };
  error: CallError;
}

export type Unsubscribe = () => void;

export interface ListenOptions {
  /** Removes the listener when aborted. */
  signal?: AbortSignal;
}
