/**
 * From what is so to what is shown. Pure: one snapshot in, one view out; the DOM, the SDK and the sound are elsewhere.
 */
import type { CallState, CallSummary, DeviceState, Quality } from '@tincan/sdk';
import type { PoseName } from './scene/pose.js';
import * as words from './words.js';

/** A sentence that stays until the next thing the user does. */
export interface Notice {
  readonly message: string;
  readonly hint: string;
  /** `unlock`: a click is needed before sound can play. */
  readonly action?: 'unlock';
}

export interface LiveCall {
  readonly state: Exclude<CallState, 'ended'>;
  readonly outgoing: boolean;
  /** How many devices of the peer have the request. */
  readonly devices: number;
  readonly muted: boolean;
  readonly remoteMuted: boolean;
  /** How the sound is; absent before there was any. */
  readonly quality?: Quality;
}

export interface Snapshot {
  /** Display names. `peer` is the other end of the call, or whom this page would call. */
  readonly peer: string;
  readonly server: DeviceState;
  /** The call button was pressed and the request is not out yet. */
  readonly opening: boolean;
  readonly call?: LiveCall;
  /** How the last call ended, until the next one begins. */
  readonly last?: { readonly summary: CallSummary; readonly outgoing: boolean };
  readonly notice?: Notice;
}

export type Panel = 'connect' | 'call' | 'live' | 'incoming';
export type Tone = 'none' | 'ring' | 'ringback' | 'searching';

export interface View {
  readonly server: { readonly state: DeviceState; readonly text: string };
  /** The SDK's call state; `none` without a call, `opening` before the request is out. */
  readonly callState: CallState | 'none' | 'opening';
  readonly headline: string;
  readonly detail: string;
  readonly end?: { readonly reason: CallSummary['reason']; readonly text: string };
  readonly pose: PoseName;
  /** Which buttons the dock shows. */
  readonly panel: Panel;
  readonly callLabel: string;
  readonly connectLabel: string;
  readonly canConnect: boolean;
  readonly canCall: boolean;
  /** Whether the diagnostics page may help. */
  readonly canCheck: boolean;
  readonly canMute: boolean;
  readonly muted: boolean;
  readonly remoteMuted: boolean;
  readonly talking: boolean;
  readonly quality?: Quality;
  readonly tone: Tone;
  readonly notice?: Notice;
}

const LOST: ReadonlySet<CallSummary['reason']> = new Set(['connection_lost', 'media_failed']);
/** What may be the doing of this browser, its microphone, or its network. */
const CHECKABLE: ReadonlySet<CallSummary['reason']> = new Set([...LOST, 'user_media_failed', 'failed']);

export function view(now: Snapshot): View {
  const { call, last, server, peer } = now;
  const reachable = server === 'registered' || server === 'reconnecting';
  const lost = !call && last !== undefined && LOST.has(last.summary.reason);
  return {
    server: { state: server, text: words.SERVER[server] },
    ...lines(now),
    pose: pose(now),
    panel: call?.state === 'incoming' ? 'incoming' : call || now.opening ? 'live' : reachable ? 'call' : 'connect',
    callLabel: lost ? words.BUTTON.callAgain : words.BUTTON.call(peer),
    connectLabel: server === 'registering' ? words.BUTTON.connecting : words.BUTTON.connect,
    canConnect: server === 'idle',
    canCall: server === 'registered' && !call && !now.opening,
    canCheck: !call && !now.opening && (now.notice !== undefined || (last !== undefined && CHECKABLE.has(last.summary.reason))),
    canMute: call !== undefined && call.state !== 'incoming',
    muted: call?.muted ?? false,
    remoteMuted: call?.remoteMuted ?? false,
    talking: call?.state === 'connected' || call?.state === 'reconnecting',
    tone: tone(call?.state),
    ...(call?.quality ? { quality: call.quality } : {}),
    ...(now.notice ? { notice: now.notice } : {}),
  };
}

function lines({ call, last, opening, server, peer }: Snapshot): Pick<View, 'callState' | 'headline' | 'detail' | 'end'> {
  if (call) {
    const line = words.duringCall(call.state, { peer, trouble: call.quality?.sentence ?? '', ...call });
    return { callState: call.state, headline: line.state, detail: line.detail };
  }
  if (opening) return { callState: 'opening', headline: words.OPENING.state, detail: words.OPENING.detail };
  if (last) {
    const { why, then } = words.ended(last.summary, peer, last.outgoing);
    return { callState: 'ended', headline: words.ENDED, detail: then, end: { reason: last.summary.reason, text: why } };
  }
  const line = words.withoutCall(server, peer);
  return { callState: 'none', headline: line.state, detail: line.detail };
}

function pose({ call, last, opening, server }: Snapshot): PoseName {
  if (call) return callPose[call.state];
  if (opening) return 'requesting';
  if (last) return endPose(last.summary);
  if (server === 'registering' || server === 'reconnecting') return 'reaching';
  return server === 'registered' ? 'ready' : 'apart';
}

const callPose: Record<LiveCall['state'], PoseName> = {
  requesting: 'requesting',
  delivered: 'requesting',
  ringing: 'ringing-there',
  incoming: 'ringing-here',
  accepting: 'joining',
  negotiating: 'joining',
  connected: 'connected',
  reconnecting: 'reconnecting',
};

function endPose({ reason, by }: CallSummary): PoseName {
  if (LOST.has(reason)) return 'ended-lost';
  if (reason !== 'hung_up' && reason !== 'declined' && reason !== 'cancelled') return 'ended';
  return by === 'local' ? 'ended-by-me' : by === 'remote' ? 'ended-by-them' : 'ended';
}

function tone(state: LiveCall['state'] | undefined): Tone {
  if (state === 'incoming') return 'ring';
  // Only what rings there is heard here: a request that nobody got yet stays silent.
  if (state === 'ringing') return 'ringback';
  return state === 'reconnecting' ? 'searching' : 'none';
}
