/**
 * One verdict from all results. Pure: the first rule that holds is the verdict, and the others that hold are told beside
 * it. So the order of the rules is what matters most for a call: that it begins, that it carries sound, that this
 * side is heard and hears, and then how well.
 */

import { Facts, RELAYS } from './facts.js';
import { FINDINGS } from './findings.js';
import type { Finding } from './findings.js';
import type { CheckName, CheckResult, Outlook, Verdict } from './types.js';

interface Rule {
  outlook: Outlook;
  message: string;
  /** The same as a sentence beside another verdict; default: the message. */
  beside?: string;
  remedy?: string;
  when: (facts: Facts) => boolean;
}

/** A rule for what one check found; the remedy is the same. */
function found(outlook: Outlook, message: string, name: CheckName, finding: Finding): Rule {
  const row: { remedy?: string } = FINDINGS[finding];
  return { outlook, message, ...(row.remedy && { remedy: row.remedy }), when: (facts) => facts.is(name, finding) };
}

/** The rules. Their keys are the codes of verdicts. */
export const VERDICTS = {
  stopped: {
    outlook: 'unknown',
    message: 'The check was stopped.',
    remedy: 'Start it again to know the rest.',
    when: ({ checks }) => checks.some(({ finding }) => finding === 'stopped'),
  },
  'insecure-context': found('bad', 'No calls from here: this page is not secure.', 'browser', 'insecure-context'),
  'unsupported-browser': found(
    'bad',
    'No calls from here: this browser cannot make any.',
    'browser',
    'unsupported-browser',
  ),
  'server-unreachable': found('bad', 'No calls: the server cannot be reached.', 'server', 'server-unreachable'),
  'websocket-blocked': found(
    'bad',
    'No calls: something between here and the server blocks WebSockets.',
    'server',
    'websocket-blocked',
  ),
  'server-silent': found('bad', 'No calls: the server does not reply.', 'server', 'server-silent'),
  'server-busy': found('bad', 'No calls now: the server turns connections away.', 'server', 'server-busy'),
  'server-forbidden': found('bad', 'No calls: the server does not let you in this way.', 'server', 'server-forbidden'),
  'token-refused': found('bad', 'No calls: the server refuses who you are.', 'server', 'token-refused'),
  'token-unavailable': found('bad', 'No calls: there is no token to sign in with.', 'server', 'token-unavailable'),
  'no-way': {
    outlook: 'bad',
    message: 'No sound will get through: UDP is blocked here, and no relay can be reached.',
    remedy: 'Try another network, or ask whoever runs this one.',
    when: (facts) => facts.udpBlocked && facts.noRelay('relay-unreachable'),
  },

  'mic-denied': found('bad', 'Nobody will hear you: the microphone is not allowed.', 'microphone', 'mic-denied'),
  'mic-missing': found('bad', 'Nobody will hear you: there is no microphone.', 'microphone', 'mic-missing'),
  'mic-busy': found('bad', 'Nobody will hear you: another program has the microphone.', 'microphone', 'mic-busy'),
  'mic-silent': found('bad', 'Nobody will hear you: the microphone is silent.', 'microphone', 'mic-silent'),
  'mic-even': found('bad', 'Nobody will hear you: the microphone gives one even sound.', 'microphone', 'mic-even'),
  'speaker-unheard': found('bad', 'You will hear nobody: no sound comes out here.', 'speaker', 'speaker-unheard'),

  'relay-refused': {
    ...found(
      'limited',
      'Many calls will fail: the relay refuses the credentials of this server.',
      'relay-udp',
      'relay-refused',
    ),
    when: (facts) => facts.noRelay('relay-refused'),
  },
  'relay-full': {
    ...found('limited', 'Many calls will fail: the relay is full.', 'relay-udp', 'relay-full'),
    when: (facts) => facts.noRelay('relay-full'),
  },
  'relay-unreachable': {
    ...found('limited', 'Many calls will fail: no relay can be reached from here.', 'relay-udp', 'relay-unreachable'),
    when: (facts) => !facts.udpBlocked && facts.noRelay('relay-unreachable'),
  },
  'relay-no-path': {
    ...found('limited', 'Many calls will fail: nothing passes through the relay.', 'relay-udp', 'relay-no-path'),
    when: (facts) => facts.noRelay('relay-no-path') || facts.noRelay('relay-broke'),
  },
  'udp-blocked': {
    outlook: 'limited',
    message: 'Calls work, but only through the relay: UDP is blocked here.',
    beside: 'UDP is blocked here: sound takes the relay.',
    remedy: 'You can call. Sound is smoother where UDP is allowed, in this network and to the server.',
    when: (facts) => facts.udpBlocked && facts.carrying.length > 0,
  },
  'high-loss': {
    ...found(
      'limited',
      'Calls work, but will sound bad: many packets are lost on the way.',
      'relay-udp',
      'relay-lossy',
    ),
    beside: 'Sound will be bad: many packets are lost on the way.',
    when: (facts) => facts.preferred('relay-lossy'),
  },
  'high-rtt': {
    ...found('limited', 'Calls work, but with a long delay.', 'relay-udp', 'relay-slow'),
    beside: 'Sound will have a long delay.',
    when: (facts) => facts.preferred('relay-slow'),
  },
  'high-jitter': {
    ...found('limited', 'Calls work, but may stutter: the delay changes all the time.', 'relay-udp', 'relay-unsteady'),
    beside: 'Sound may stutter: the delay changes all the time.',
    when: (facts) => facts.preferred('relay-unsteady'),
  },
  'no-relay': {
    outlook: 'limited',
    message: 'Calls work where two browsers reach each other directly: this server offers no relay.',
    beside: 'This server offers no relay: sound gets through only where two browsers reach each other directly.',
    remedy: 'In one home or office network that is enough. Elsewhere the server needs a relay.',
    when: (facts) => RELAYS.every((name) => facts.is(name, 'relay-not-offered')),
  },
  'stun-silent': {
    ...found(
      'limited',
      'Calls work, but most of them will take the relay: no STUN server replies.',
      'stun',
      'stun-silent',
    ),
    beside: 'No STUN server replies.',
    when: (facts) => facts.is('stun', 'stun-silent') && !(facts.udpBlocked && facts.tried.length > 0),
  },
  'mic-quiet': {
    ...found('limited', 'Calls work, but no voice came from the microphone.', 'microphone', 'mic-quiet'),
    beside: 'No voice came from the microphone.',
  },
  'speaker-blocked': {
    ...found('limited', 'Calls work, but this browser plays no sound yet.', 'speaker', 'speaker-blocked'),
    beside: 'This browser plays no sound yet.',
  },
  'server-slow': {
    ...found('limited', 'Calls work, but will begin slowly.', 'server', 'server-slow'),
    beside: 'Calls will begin slowly: the server takes long to reply.',
  },
  'relay-partly': {
    outlook: 'good',
    message: 'Calls work, although not every way to the relay is open.',
    beside: 'Not every way to the relay is open.',
    when: (facts) => !facts.udpBlocked && facts.carrying.length > 0 && facts.carrying.length < facts.tried.length,
  },
  'works-with-remarks': {
    outlook: 'good',
    message: 'Calls work. What could be better is marked below.',
    when: ({ checks }) => checks.some(({ status }) => status === 'warning'),
  },
  'works-as-checked': {
    outlook: 'good',
    message: 'What could be checked works.',
    when: ({ checks }) => checks.some(({ status, finding }) => status === 'skipped' && finding !== 'relay-not-offered'),
  },
  'everything-works': { outlook: 'good', message: 'Everything works.', when: () => true },
} as const satisfies Record<string, Rule>;

/** Stable names of verdicts. */
export type VerdictCode = keyof typeof VERDICTS;

/** Of the whole only the verdict speaks. */
const WHOLE: readonly VerdictCode[] = ['works-with-remarks', 'works-as-checked', 'everything-works'];

export function verdict(checks: readonly CheckResult[]): Verdict {
  const facts = new Facts(checks);
  const holding = (Object.keys(VERDICTS) as VerdictCode[]).filter((code) => (VERDICTS[code] as Rule).when(facts));
  const code = holding[0]!;
  const { outlook, message, remedy }: Rule = VERDICTS[code];
  const also = holding.slice(1).filter((other) => !WHOLE.includes(other));
  return { code, outlook, message, ...(remedy && { remedy }), also: also.map(beside) };
}

function beside(code: VerdictCode): string {
  const { message, beside = message }: Rule = VERDICTS[code];
  return beside;
}
