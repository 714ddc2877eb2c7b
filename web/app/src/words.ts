/**
 * Every sentence a user may see or hear, and nothing else. The words follow the project's glossary: one accepts, rejects
 * or hangs up; "answer" is never picking up.
 *
 * Errors are not here: a `CallError` brings its own sentence and remedy.
 */
import { ECHO } from './identity.js';
import type { Bars, CallPath, CallState, CallSummary, DeviceState, EndReason, Path, Quality } from '@tincan/sdk';

export interface Line {
  /** The large word: No Call, Requesting, Calling, Connected, Call Ended. */
  readonly state: string;
  /** The truth behind it, for a person. */
  readonly detail: string;
}

export const SERVER: Record<DeviceState, string> = {
  idle: 'Disconnected',
  registering: 'Connecting',
  registered: 'Connected',
  reconnecting: 'Reconnecting',
  destroyed: 'Disconnected',
};

/** The echo's name for people. It rings nobody, and who calls it should know what it does. */
const THE_ECHO = 'Echo';

/** What is said while there is no call, by where the device stands with the server. */
export function withoutCall(server: DeviceState, peer: string): Line {
  const then = peer === THE_ECHO ? 'and hear your own voice a second later' : 'or wait for their ring';
  const detail: Record<DeviceState, string> = {
    idle: `Connect first. Then call ${peer}, ${then}.`,
    registering: 'Looking for the server…',
    registered: `Ready. Call ${peer}, ${then}.`,
    reconnecting: 'The server does not reply. Trying again by itself…',
    destroyed: 'This page is closed. Reload it to go on.',
  };
  return { state: 'No Call', detail: detail[server] };
}

/** Between the click and the request: the browser may be asking for the microphone. */
export const OPENING: Line = { state: 'Requesting', detail: 'Opening the microphone. Allow it if the browser asks.' };

export interface DuringCall {
  /** What is wrong with the sound, in a sentence; empty if nothing is. */
  readonly trouble: string;
  readonly peer: string;
  readonly outgoing: boolean;
  /** How many devices of the peer have the request. */
  readonly devices: number;
  readonly muted: boolean;
  readonly remoteMuted: boolean;
}

export function duringCall(state: Exclude<CallState, 'ended'>, { peer, outgoing, devices, muted, remoteMuted, trouble }: DuringCall): Line {
  switch (state) {
    case 'requesting':
      return { state: 'Requesting', detail: `Asking for ${peer}…` };
    case 'delivered':
      return { state: 'Calling', detail: `Handed to ${handedTo(peer, devices)}. Not ringing yet…` };
    case 'ringing':
      return { state: 'Calling', detail: `Ringing there. Waiting for ${peer} to accept.` };
    case 'incoming':
      return { state: 'Calling', detail: `${peer} is calling you.` };
    case 'accepting':
      return { state: 'Calling', detail: 'Opening the microphone. Allow it if the browser asks.' };
    case 'negotiating':
      return { state: 'Calling', detail: outgoing ? `${peer} accepted. Pulling the string tight…` : 'Pulling the string tight…' };
    case 'connected':
      return { state: 'Connected', detail: muted || remoteMuted || trouble === '' ? hearing(peer, muted, remoteMuted) : trouble };
    case 'reconnecting':
      return { state: 'Reconnecting', detail: 'The sound dropped out. It comes back by itself.' };
  }
}

/** Without a number only the name: after a restart the server does not say at once how many devices there are. */
function handedTo(peer: string, devices: number): string {
  return devices === 0 ? peer : `${devices} device${devices === 1 ? '' : 's'} of ${peer}`;
}

function hearing(peer: string, muted: boolean, remoteMuted: boolean): string {
  if (muted && remoteMuted) return `You and ${peer} are both muted.`;
  if (muted) return `You are muted. ${peer} cannot hear you.`;
  if (remoteMuted) return `${peer} is muted. They can hear you.`;
  if (peer === THE_ECHO) return 'Say something. A second later you hear it.';
  return `You and ${peer} can talk.`;
}

export const ENDED = 'Call Ended';

/** Why the call ended, and what may be done about it or how long it was. */
export function ended({ reason, by, talkMs, error }: CallSummary, peer: string, outgoing: boolean): { why: string; then: string } {
  const you = by === 'local';
  const talked = talkMs > 0 ? `You talked for ${duration(talkMs)}.` : '';
  const said = (why: string, then = ''): { why: string; then: string } => ({ why, then: talked || then });
  const table: Record<EndReason, () => { why: string; then: string }> = {
    hung_up: () => said(you ? 'You hung up.' : by === 'remote' ? `${peer} hung up.` : 'The call was ended.'),
    cancelled: () => (you ? said('You gave up the call.', 'Nobody had accepted yet.') : said(`You missed a call from ${peer}.`, 'They gave up before you accepted.')),
    declined: () => said(you ? 'You rejected the call.' : `${peer} rejected the call.`),
    busy: () => said(outgoing ? `${peer} is busy.` : `You were busy when ${peer} called.`, outgoing ? peer === THE_ECHO ? 'As many are calling as it can take. Try again a little later.' : 'They are in another call. Try again a little later.' : ''),
    no_answer: () => (outgoing ? said(`${peer} did not accept in time.`, 'It rang, and nobody came.') : said(`You missed a call from ${peer}.`, 'It rang, and nobody came.')),
    unreachable: () => said(`${peer} is not reachable.`, peer === THE_ECHO ? 'This server has it switched off.' : 'Open the other page and connect it to the server.'),
    answered_elsewhere: () => said('Accepted elsewhere.', 'The call goes on at another device of yours.'),
    declined_elsewhere: () => said('Rejected elsewhere.', 'You rejected it at another device of yours.'),
    glare: () => said('You called each other.', 'The other call goes on.'),
    replaced: () => said('A newer call took its place.'),
    media_failed: () => ({ why: 'No path for the sound was found.', then: 'The networks between you let nothing through. Call again, or try another network.' }),
    user_media_failed: () => (you ? said('Your microphone could not be opened.', 'Check it under Sound, then call again.') : said(`${peer}’s microphone could not be opened.`)),
    connection_lost: () => ({ why: 'The line was lost.', then: talked }),
    failed: () => ({ why: error?.message ?? 'The call could not be made.', then: error?.hint ?? '' }),
  };
  return table[reason]();
}

export const PATH: Record<Path, string> = {
  direct: 'direct, nobody in the middle',
  relay: 'via relay, still encrypted',
  unknown: 'finding the path…',
};

/** What the browser, or the other side, does not tell. */
const UNKNOWN = 'not known';

/** How good the sound is, by bars. */
const BARS: Record<Bars, string> = { 4: 'clear', 3: 'fair', 2: 'poor', 1: 'bad', 0: 'nothing arrives' };

/** Where there is nothing to complain of: few bars are then the rest of a trouble that is over. */
const VERDICT: Record<Bars, string> = {
  4: 'The sound is clear.',
  3: 'The sound is fair.',
  2: 'The sound is recovering.',
  1: 'The sound is recovering.',
  0: 'No sound arrives.',
};

export const QUALITY = {
  label: (bars: Bars): string => `Sound: ${BARS[bars]}, ${bars} of 4 bars. Show figures`,
  verdict: ({ bars, sentence }: Quality): string => sentence || VERDICT[bars],
} as const;

const CALL_PATH: Record<CallPath, string> = {
  direct: 'direct',
  relay_udp: 'relay, UDP',
  relay_tcp: 'relay, TCP',
  relay_tls: 'relay, TLS',
  unknown: UNKNOWN,
};

/** The card of figures, by the ends of their ids. */
export const FIGURES: Record<'score' | 'remote' | 'rtt' | 'lost' | 'way' | 'codec', (now: Quality) => string> = {
  score: ({ mos }) => `${mos.toFixed(1)} of 5`,
  remote: ({ remoteBars }) => (remoteBars === undefined ? UNKNOWN : BARS[remoteBars]),
  rtt: ({ rttMs }) => (rttMs === undefined ? UNKNOWN : `${Math.round(rttMs)} ms`),
  lost: ({ lost }) => `${(100 * lost).toFixed(1)} %`,
  way: ({ path }) => CALL_PATH[path],
  codec: ({ codec }) => (codec === undefined ? UNKNOWN : codec.charAt(0).toUpperCase() + codec.slice(1)),
};

export const BUTTON = {
  connect: 'Connect to Server',
  connecting: 'Connecting…',
  call: (peer: string): string => `Call ${peer}`,
  callAgain: 'Call again',
  hangUp: 'Hang Up',
  mute: 'Mute',
  unmute: 'Unmute',
} as const;

export const CAPTION = { you: 'you', muted: 'muted' } as const;

export const SOUND = {
  defaultInput: 'Default microphone',
  defaultOutput: 'Default speaker',
  unnamed: (kind: 'Microphone' | 'Speaker', n: number): string => `${kind} ${n}`,
  namesLater: 'Names appear once you have allowed the microphone.',
} as const;

/** For the live regions of screen readers. */
export const ANNOUNCE = {
  incoming: (peer: string): string => `Incoming call from ${peer}. Accept or Reject.`,
  server: (text: string): string => `Server: ${text}.`,
} as const;

export const TITLE = {
  plain: (me: string): string => `${me} · Tincan`,
  ringing: (peer: string): string => `☎ ${peer} is calling`,
  live: (peer: string): string => `● ${peer} · Tincan`,
} as const;

/** A user's name for people: `clientA` is "Client A", `echo` is "Echo", any other name stays as it is. */
export function displayName(user: string): string {
  if (user === ECHO) return THE_ECHO;
  const letter = /^client([A-Z])$/.exec(user)?.[1];
  return letter ? `Client ${letter}` : user;
}

/** The letter on a can's label. */
export function canLetter(user: string): string {
  return /^client([A-Z])$/.exec(user)?.[1] ?? (/[A-Za-z0-9]/.exec(user)?.[0] ?? '?').toUpperCase();
}

/** "2 minutes 5 seconds". */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / 1000));
  const parts: [number, string][] = [[Math.floor(seconds / 3600), 'hour'], [Math.floor(seconds / 60) % 60, 'minute'], [seconds % 60, 'second']];
  return parts.filter(([n]) => n > 0).slice(0, 2).map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`).join(' ');
}

/** "2:05", "1:02:05". */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
