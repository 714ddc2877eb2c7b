/**
 * Everything a check can find: one table from stable name to status, sentence and remedy.
 *
 * A sentence is read under the name of its check ("Relay over TLS: …"). What the findings mean together is in `verdict.ts`.
 */

import { ERRORS } from '../errors.js';
import type { CheckStatus } from './types.js';

interface FindingRow {
  status: CheckStatus;
  message: string;
  remedy?: string;
}

const ok = (message: string): FindingRow => ({ status: 'ok', message });
const warning = (message: string, remedy: string): FindingRow => ({ status: 'warning', message, remedy });
const failed = (message: string, remedy: string): FindingRow => ({ status: 'failed', message, remedy });
const skipped = (message: string, remedy?: string): FindingRow => ({
  status: 'skipped',
  message,
  ...(remedy && { remedy }),
});
/** The sentence and remedy that a call would fail with. */
const asError = ({ message, hint }: { message: string; hint: string }): FindingRow => failed(message, hint);

const ASK_ADMIN = 'Tell whoever runs this server.';
const OTHER_NETWORK = 'Try another network, or ask whoever runs this one.';

export const FINDINGS = {
  'browser-ok': ok('This browser can make calls.'),
  'insecure-context': asError(ERRORS['insecure-context']),
  'unsupported-browser': asError(ERRORS['unsupported-browser']),

  'mic-ok': ok('It hears you.'),
  'mic-denied': asError(ERRORS['mic-denied']),
  'mic-missing': asError(ERRORS['mic-missing']),
  'mic-busy': asError(ERRORS['mic-busy']),
  'mic-silent': failed(
    'It is open, but nothing comes from it: it is silent.',
    'See whether it is switched off or muted at the device or in the system, or choose another one.',
  ),
  'mic-even': failed(
    'It gives one even sound, whatever is said.',
    'See whether its plug is loose, or choose another one.',
  ),
  'mic-quiet': warning(
    'It works, but no voice was heard.',
    'Speak while the check listens; if you did, come closer or turn the microphone up.',
  ),
  'mic-unmeasured': skipped(
    'It is open, but this browser does not let its level be measured.',
    'Make a test call to be sure.',
  ),

  'speaker-ok': ok('You heard the tone.'),
  'speaker-unheard': failed(
    'You did not hear the tone.',
    'Turn the sound up, and see which speaker or headset the system uses.',
  ),
  'speaker-blocked': warning(
    'The browser did not play the tone.',
    'Allow sound for this page, click the start button, and try again.',
  ),
  'speaker-unasked': skipped('Nobody was asked whether they hear a tone, and nothing else can tell.'),
  'speaker-unsupported': skipped('This browser cannot make the test tone.', 'Make a test call to be sure.'),

  'server-ok': ok('It is reached.'),
  'server-slow': warning('It is reached, but it takes long to reply.', 'Calls will begin slowly. Try another network.'),
  'server-unreachable': failed(
    'It is not reached.',
    'Check the network connection; if that works, the server may be down.',
  ),
  'websocket-blocked': failed(
    'The server is there, but no WebSocket to it opens.',
    'A proxy or firewall lets web pages through and no WebSockets: it has to allow them.',
  ),
  'server-silent': failed('It took the connection and then said nothing.', `Try again in a moment. ${ASK_ADMIN}`),
  'server-busy': failed('It turns connections away at the moment.', 'Wait a minute, then try again.'),
  'server-forbidden': failed(
    'It does not take this way of signing in from here.',
    'Guests may come from the server’s own machine only, unless it is set up otherwise.',
  ),
  'token-refused': failed(
    'It refused who you are.',
    'Sign in again. If that does not help, the token is made with another key or for another audience.',
  ),
  'token-unavailable': asError(ERRORS['token-unavailable']),

  'stun-ok': ok('UDP gets out and back.'),
  'stun-no-nat': ok('UDP gets out and back, and nothing translates the address.'),
  'stun-many-ports': warning(
    'UDP gets out and back, but the network uses another port for each destination.',
    'Nothing to do: many calls will take the relay.',
  ),
  'stun-unclear': skipped(
    'The browser found no other address of its own and does not say why: no reply, or nothing translates it.',
  ),
  'stun-silent': failed('No reply over UDP.', `A firewall may block UDP; calls then need the relay. ${OTHER_NETWORK}`),
  'stun-not-offered': skipped('This server names no STUN server.'),

  'relay-ok': ok('Sound gets through it.'),
  'relay-lossy': warning(
    'It works, but many packets are lost on the way.',
    'Move closer to the Wi-Fi, use a cable, or try another network.',
  ),
  'relay-slow': warning(
    'It works, but the way there and back takes long.',
    'You will talk into each other. Try another network.',
  ),
  'relay-unsteady': warning(
    'It works, but the delay changes all the time.',
    'Sound may stutter. Close what else uses the network, or try another one.',
  ),
  'relay-refused': failed(
    'The relay refuses the credentials that the server gave out.',
    `The secret of the relay and that of the server differ. ${ASK_ADMIN}`,
  ),
  'relay-full': failed('The relay takes nobody else at the moment.', `Try again later. ${ASK_ADMIN}`),
  'relay-unreachable': failed('The relay is not reached this way.', OTHER_NETWORK),
  'relay-no-path': failed(
    'The relay gave a place, but nothing passes through it.',
    `It may refuse to relay to itself, or its ports are closed. ${ASK_ADMIN}`,
  ),
  'relay-broke': failed('The connection through the relay broke in the middle.', OTHER_NETWORK),
  'relay-not-offered': skipped('This server offers no relay of this kind.'),

  'needs-browser': skipped('Not checked: see the browser first.'),
  'needs-server': skipped('Not checked: which servers to try is known only from the server.'),
  stopped: skipped('Not checked: it was stopped before.'),
  'check-failed': skipped('It could not be checked: the check itself went wrong.', 'Try again, and report this.'),
} as const satisfies Record<string, FindingRow>;

/** Stable names of what checks find. */
export type Finding = keyof typeof FINDINGS;

export function findingRow(finding: Finding): FindingRow {
  return FINDINGS[finding];
}
