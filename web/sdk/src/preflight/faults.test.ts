/** One fault after the other is made, and the preflight has to name it. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ICE, rig } from '../testing/preflight.js';
import type { Rig } from '../testing/preflight.js';
import type { PreflightOptions } from './types.js';
import { VERDICTS } from './verdict.js';
import type { VerdictCode } from './verdict.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Inject = (rig: Rig) => Partial<PreflightOptions> | void;

const microphoneFails =
  (name: string): Inject =>
  ({ platform }) =>
    void (platform.mic.fail = name);
const hears =
  (loudness: (ms: number) => number): Inject =>
  ({ sound }) =>
    void (sound.loudness = loudness);
const server =
  (line: Partial<Rig['line']>): Inject =>
  (rig) =>
    void Object.assign(rig.line, line);
const network =
  (change: Partial<Rig['network']>): Inject =>
  (rig) =>
    void Object.assign(rig.network, change);
const signsIn =
  (token: NonNullable<PreflightOptions['token']>): Inject =>
  () => ({ token });
const page =
  (platform: object): Inject =>
  (rig) =>
    void Object.assign(rig.platform, platform);

type Way = Rig['network']['relay']['udp'];
const every = (way: Way) => ({ udp: way, tcp: way, tls: way });

const FAULTS: Record<string, [VerdictCode, Inject]> = {
  'no microphone': ['mic-missing', microphoneFails('NotFoundError')],
  'permission denied': ['mic-denied', microphoneFails('NotAllowedError')],
  'microphone taken by another program': ['mic-busy', microphoneFails('NotReadableError')],
  'silent microphone': ['mic-silent', hears(() => 0)],
  'humming microphone': ['mic-even', hears(() => 0.1)],
  'nobody speaks': ['mic-quiet', hears((ms) => 0.0004 + 0.0003 * Math.sin(ms))],
  'no sound comes out': ['speaker-unheard', () => ({ heard: async () => false })],

  'server not reachable': ['server-unreachable', server({ does: 'does-not-open' })],
  'no WebSocket gets through': ['websocket-blocked', server({ does: 'does-not-open', http: 'something' })],
  'server says nothing': ['server-silent', server({ does: 'is-silent' })],
  'server turns connections away': ['server-busy', server({ does: 'rate_limited' })],
  'server goes down': ['server-busy', server({ does: 'goes down' })],
  'slow server': ['server-slow', server({ rttMs: 500 })],
  'guests not let in': ['server-forbidden', server({ does: 'forbidden' })],
  'token refused': ['token-refused', (rig) => (server({ does: 'unauthorized' })(rig), { token: async () => 'bad' })],
  'no token to be had': ['token-unavailable', signsIn(() => Promise.reject(new Error('503')))],
  'token function that hangs': ['token-unavailable', signsIn(() => new Promise(() => {}))],

  'UDP blocked': ['udp-blocked', network({ stun: 'silent', relay: { ...every('open'), udp: 'unreachable' } })],
  'nothing but web pages': ['no-way', network({ stun: 'silent', relay: every('unreachable') })],
  'dead STUN server': ['stun-silent', network({ stun: 'silent' })],
  'no relay reachable': ['relay-unreachable', network({ relay: every('unreachable') })],
  'wrong secret at the relay': ['relay-refused', network({ relay: every('refused') })],
  'full relay': ['relay-full', network({ relay: every('full') })],
  'relay that lets nothing pass': ['relay-no-path', network({ relay: every('no-path') })],
  'relay closed over TLS only': ['relay-partly', network({ relay: { ...every('open'), tls: 'unreachable' } })],
  'no relay configured': ['no-relay', server({ iceServers: ICE.slice(0, 1) })],
  'high loss': ['high-loss', network({ lost: (n) => n % 7 === 0 })],
  'high round trip': ['high-rtt', network({ delayMs: 300 })],
  'unsteady delay': ['high-jitter', network({ lateMs: (n) => (n % 4 < 2 ? 0 : 120) })],

  'insecure page': ['insecure-context', page({ isSecureContext: false })],
  'old browser': ['unsupported-browser', page({ RTCPeerConnection: undefined })],
};

test.each(Object.entries(FAULTS))('a fault is named: %s', async (_what, [code, inject]) => {
  const broken = rig();
  const { verdict, checks } = await broken.run(inject(broken) ?? {});
  expect(verdict.code, checks.map(({ name, finding }) => `${name}: ${finding}`).join(', ')).toBe(code);
  expect(verdict.message).toBe(VERDICTS[code].message);
  expect(broken.open()).toEqual([]);
});

test('of two faults the one that matters more is the verdict, and the other is told beside it', async () => {
  const broken = rig();
  broken.sound.loudness = () => 0;
  broken.network.lost = (n) => n % 5 === 0;
  const { verdict } = await broken.run();
  expect([verdict.code, verdict.also]).toEqual([
    'mic-silent',
    ['Sound will be bad: many packets are lost on the way.'],
  ]);
});
