import { expect, test } from 'vitest';
import { FINDINGS, findingRow } from './findings.js';
import type { Finding } from './findings.js';
import type { CheckName, CheckResult } from './types.js';
import { VERDICTS, verdict } from './verdict.js';
import type { VerdictCode } from './verdict.js';

type Found = Record<CheckName, Finding>;

const GOOD: Found = {
  browser: 'browser-ok',
  microphone: 'mic-ok',
  speaker: 'speaker-ok',
  server: 'server-ok',
  stun: 'stun-ok',
  'relay-udp': 'relay-ok',
  'relay-tcp': 'relay-ok',
  'relay-tls': 'relay-ok',
};

const relays = (finding: Finding): Partial<Found> => ({
  'relay-udp': finding,
  'relay-tcp': finding,
  'relay-tls': finding,
});
const network = (finding: Finding): Partial<Found> => ({ stun: finding, ...relays(finding) });
const all = (finding: Finding): Found => Object.fromEntries(Object.keys(GOOD).map((name) => [name, finding])) as Found;

function results(found: Partial<Found>): CheckResult[] {
  return Object.entries({ ...GOOD, ...found }).map(([name, finding]) => ({
    name: name as CheckName,
    finding,
    figures: {},
    ...findingRow(finding),
  }));
}

/** What was found besides what is good; the verdict; and what is told beside it. */
const TABLE: [found: Partial<Found>, code: VerdictCode, also?: VerdictCode[]][] = [
  [{}, 'everything-works'],
  [{ speaker: 'speaker-unasked' }, 'works-as-checked'],
  [{ 'relay-tls': 'relay-not-offered' }, 'everything-works'],
  [{ stun: 'stun-not-offered' }, 'works-as-checked'],
  [{ stun: 'stun-many-ports' }, 'works-with-remarks'],

  [{ ...all('needs-browser'), browser: 'insecure-context' }, 'insecure-context'],
  [{ server: 'server-unreachable', ...network('needs-server') }, 'server-unreachable'],
  [{ server: 'token-refused', ...network('needs-server'), microphone: 'mic-silent' }, 'token-refused', ['mic-silent']],

  [{ stun: 'stun-silent', 'relay-udp': 'relay-unreachable' }, 'udp-blocked'],
  [{ stun: 'stun-silent', 'relay-udp': 'relay-not-offered' }, 'udp-blocked'],
  [{ stun: 'stun-not-offered', 'relay-udp': 'relay-unreachable' }, 'udp-blocked'],
  // One of the two got through: it is not UDP.
  [{ 'relay-udp': 'relay-unreachable' }, 'relay-partly'],
  [{ stun: 'stun-silent' }, 'stun-silent'],
  [{ stun: 'stun-silent', ...relays('relay-not-offered') }, 'no-relay', ['stun-silent']],
  [{ stun: 'stun-silent', ...relays('relay-unreachable') }, 'no-way'],
  // The credentials got no reply over UDP, and the wrong one over TCP: that is known, the rest is not.
  [
    {
      stun: 'stun-silent',
      'relay-udp': 'relay-unreachable',
      'relay-tcp': 'relay-refused',
      'relay-tls': 'relay-refused',
    },
    'no-way',
    ['relay-refused'],
  ],

  [relays('relay-unreachable'), 'relay-unreachable'],
  [relays('relay-refused'), 'relay-refused'],
  [relays('relay-full'), 'relay-full'],
  [relays('relay-no-path'), 'relay-no-path'],
  [relays('relay-broke'), 'relay-no-path'],
  [relays('relay-not-offered'), 'no-relay'],
  [{ 'relay-tcp': 'relay-refused', 'relay-tls': 'relay-refused' }, 'relay-partly'],

  [{ 'relay-udp': 'relay-lossy' }, 'high-loss'],
  [{ 'relay-udp': 'relay-slow' }, 'high-rtt'],
  [{ 'relay-udp': 'relay-unsteady' }, 'high-jitter'],
  // A call takes UDP where it can, so how TCP is does not matter.
  [{ 'relay-tcp': 'relay-slow' }, 'works-with-remarks'],
  [{ stun: 'stun-silent', 'relay-udp': 'relay-unreachable', 'relay-tcp': 'relay-slow' }, 'udp-blocked', ['high-rtt']],

  [{ microphone: 'mic-denied', 'relay-udp': 'relay-lossy' }, 'mic-denied', ['high-loss']],
  [{ microphone: 'mic-missing', speaker: 'speaker-unheard' }, 'mic-missing', ['speaker-unheard']],
  [{ microphone: 'mic-quiet', ...relays('relay-not-offered') }, 'no-relay', ['mic-quiet']],
  [{ server: 'server-slow', speaker: 'speaker-blocked' }, 'speaker-blocked', ['server-slow']],
  [{ ...relays('stopped'), microphone: 'mic-silent' }, 'stopped', ['mic-silent']],
];

test.each(TABLE)('%j is %s', (found, code, also = []) => {
  const told = verdict(results(found));
  expect(told.code).toBe(code);
  expect(told.also).toEqual(
    also.map((other) => ('beside' in VERDICTS[other] ? VERDICTS[other].beside : VERDICTS[other].message)),
  );
});

test('every failed check is in the verdict, alone or beside another', () => {
  for (const [finding, { status }] of Object.entries(FINDINGS) as [Finding, { status: string }][]) {
    if (status !== 'failed') continue;
    const names = (Object.keys(GOOD) as CheckName[]).filter((name) => belongs(finding, name));
    expect(names.length, finding).toBeGreaterThan(0);
    const broken = Object.fromEntries(names.map((name) => [name, finding]));
    expect(['everything-works', 'works-as-checked', 'works-with-remarks'], finding).not.toContain(
      verdict(results(broken)).code,
    );
  }
});

function belongs(finding: Finding, name: CheckName): boolean {
  const prefix = finding.split('-')[0]!;
  const of: Record<string, string> = {
    mic: 'microphone',
    insecure: 'browser',
    unsupported: 'browser',
    token: 'server',
    websocket: 'server',
  };
  return name.startsWith(of[prefix] ?? prefix);
}

test('every finding and every verdict is a sentence, with a remedy wherever something is wrong', () => {
  for (const [name, row] of Object.entries({ ...FINDINGS, ...VERDICTS })) {
    expect(row.message, name).toMatch(/^[A-Z].*\.$/);
    if ('remedy' in row) expect(row.remedy, name).toMatch(/^[A-Z].*\.$/);
    if ('beside' in row) expect(row.beside, name).toMatch(/^[A-Z].*\.$/);
    const isWrong = 'status' in row ? row.status === 'failed' || row.status === 'warning' : row.outlook !== 'good';
    if (isWrong) expect(row, name).toHaveProperty('remedy');
  }
});
