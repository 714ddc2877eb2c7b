/**
 * The words of the diagnostics page that the SDK does not bring: names of checks, what the user is asked for, figures. Pure.
 * What was found, what to do about it and the verdict come from the SDK, as sentences.
 */
import type { CheckName, CheckRunning, CheckStatus, Figures } from '@tincan/sdk';

export const NAME: Record<CheckName, string> = {
  browser: 'Browser',
  microphone: 'Microphone',
  speaker: 'Speaker',
  server: 'Server',
  stun: 'Way out (STUN)',
  'relay-udp': 'Relay over UDP',
  'relay-tcp': 'Relay over TCP',
  'relay-tls': 'Relay over TLS',
};

/** In the order in which they are shown. */
export const CHECKS = Object.keys(NAME) as CheckName[];

export const STATUS: Record<CheckStatus | 'waiting' | 'running', string> = {
  waiting: 'Not checked yet',
  running: 'Being checked',
  ok: 'OK',
  warning: 'Warning',
  failed: 'Failed',
  skipped: 'Not checked',
};

/** What a check is about, before it has found anything. */
export const ABOUT: Record<CheckName, string> = {
  browser: 'Can this page make calls?',
  microphone: 'Does it hear you?',
  speaker: 'Do you hear it?',
  server: 'Is it reached, and how fast?',
  stun: 'Does UDP get out and back?',
  'relay-udp': 'Does sound get through?',
  'relay-tcp': 'And where UDP is blocked?',
  'relay-tls': 'And where only web pages pass?',
};

export const ASK: Record<NonNullable<CheckRunning['ask']>, string> = {
  permission: 'Allow the microphone if the browser asks.',
  speak: 'Speak now: say a few words.',
  listen: 'Do you hear the tone?',
};

export const HEADLINE = {
  before: 'Will a call work from here?',
  beforeDetail: 'One click tries everything that a call needs. It takes about 20 seconds, your microphone and your ears.',
  during: 'Checking…',
  duringDetail: 'Trying everything that a call needs.',
} as const;

export const BUTTON = { start: 'Start the check', stop: 'Stop', again: 'Check again', copy: 'Copy report', copied: 'Copied' } as const;

export const COPY = { done: 'The report is copied.', failed: 'It could not be copied. Select it below.' } as const;

const NAT: Record<NonNullable<Figures['nat']>, string> = {
  none: 'no NAT',
  'one-port': 'NAT keeps one port',
  'many-ports': 'NAT changes ports',
  some: 'NAT of unknown kind',
};

/** The figures of one check as short phrases, the most telling first. */
export function phrases({ rttMs, rttP95Ms, jitterMs, loss, packets, peakDb, nat, address, connectMs }: Figures): string[] {
  const ms = (value: number): string => `${value < 9.95 ? Math.max(0.1, value).toFixed(1) : Math.round(value)} ms`;
  return [
    ...(loss === undefined ? [] : [`${percent(loss)} lost of ${packets ?? 0}`]),
    ...(rttMs === undefined ? [] : [`${ms(rttMs)} there and back`]),
    ...(rttP95Ms === undefined ? [] : [`95 % within ${ms(rttP95Ms)}`]),
    ...(jitterMs === undefined ? [] : [`jitter ${ms(jitterMs)}`]),
    ...(peakDb === undefined ? [] : [`loudest ${decibels(peakDb)}`]),
    ...(address === undefined ? [] : [`seen as ${address}`]),
    ...(nat === undefined ? [] : [NAT[nat]]),
    ...(connectMs === undefined ? [] : [`connected in ${ms(connectMs)}`]),
  ];
}

function percent(share: number): string {
  return share === 0 ? '0 %' : `${(100 * share).toFixed(1)} %`;
}

function decibels(db: number): string {
  return `${String(Math.round(db)).replace('-', '−')} dB`;
}
