/** Every word of the operator's page that says what a figure means. Pure. */
import type { Cause, EndedCall, LiveCall, Measured, Path } from './calls.js';

/** Below it a score is poor, below the next fair (ITU-T G.107, annex B). */
export const POOR = 300;
export const FAIR = 360;
export const GOOD = 400;

export type Grade = 'good' | 'fair' | 'weak' | 'poor';

export function grade(mos: number): Grade {
  if (mos < POOR) return 'poor';
  if (mos < FAIR) return 'weak';
  return mos < GOOD ? 'fair' : 'good';
}

export const GRADES: Readonly<Record<Grade, string>> = { good: 'good', fair: 'fair', weak: 'weak', poor: 'poor' };

export const WAYS: Readonly<Record<Path, string>> = {
  direct: 'Direct', relay_udp: 'Relay', relay_tcp: 'Relay by TCP', relay_tls: 'Relay by TLS', unknown: 'Not told',
};

const REASONS: Readonly<Record<string, string>> = {
  hung_up: 'Hung up', cancelled: 'Cancelled', declined: 'Declined', busy: 'Busy', no_answer: 'No answer', unreachable: 'Unreachable',
  glare: 'Both called', replaced: 'Called again', media_failed: 'No sound path', user_media_failed: 'No microphone', connection_lost: 'Connection lost',
};

/** How a call ended; a reason that this page does not know yet is shown as it is. */
export const reason = (word: string): string => REASONS[word] ?? word.replaceAll('_', ' ');

/** What is to blame, from the side of the leg that says so. */
export function blame(cause: Cause, leg: string, other: string): string {
  switch (cause) {
    case 'none': return 'Nothing is named as the cause.';
    case 'own_network': return `The network of ${leg} loses or delays packets.`;
    case 'peer_network': return `The network of ${other} loses or delays packets.`;
    case 'relay': return 'The way through the relay is long.';
  }
}

/** Whether a leg had trouble that someone will have heard: a tenth of it was poor, or all of it was. */
export const hadTrouble = ({ mos, poor, samples }: Measured): boolean => mos < POOR || poor * 10 >= samples;

export const score = (mos: number): string => (mos / 100).toFixed(2);

export const percent = (ppm: number | null): string => (ppm === null ? '–' : `${(ppm / 10_000).toFixed(ppm > 0 && ppm < 100_000 ? 1 : 0)} %`);

export const milliseconds = (ms: number | null): string => (ms === null ? '–' : `${ms} ms`);

/** `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function lasting(ms: number): string {
  const s = Math.floor(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${two(s % 60)} s` : `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
}

/** Who talks to whom, for the ear. */
export const between = ({ legs: [caller, callee] }: LiveCall): string => `${caller.leg} and ${callee.leg}`;

/** A leg's curve in a sentence, for those who do not see it. */
export function curve(leg: string, recent: readonly (readonly [number, number])[]): string {
  const scores = recent.map(([, mos]) => mos);
  const last = scores.at(-1);
  if (last === undefined) return `${leg} has not reported yet.`;
  const range = scores.length > 1 ? `, between ${score(Math.min(...scores))} and ${score(Math.max(...scores))} before` : '';
  return `Opinion score of ${leg}: ${score(last)}, ${GRADES[grade(last)]}${range}.`;
}

/** What was wrong in an ended call, one sentence for each leg that had trouble. */
export function troubles({ legs }: EndedCall): string[] {
  return legs
    .filter(({ measured }) => hadTrouble(measured))
    .map(({ leg, measured }) => {
      const other = legs.find((it) => it.leg !== leg)?.leg ?? 'the other side';
      return `${leg} heard ${lasting(measured.poor * 1000)} of poor sound. ${blame(measured.cause, leg, other)}`;
    });
}
