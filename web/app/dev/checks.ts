/**
 * The diagnostics page with results that are made up, in the state that the address names: `/dev/checks.html?state=good`.
 */
import '../src/styles/tokens.css';
import '../src/styles/base.css';
import '../src/styles/caller.css';
import '../src/styles/dock.css';
import '../src/styles/scene.css';
import '../src/styles/diagnostics.css';
import type { CheckResult, CheckRunning, PreflightReport, Verdict } from '@tincan/sdk';
import type { Running } from '../src/diagnostics/run.js';
import { startDiagnostics } from '../src/diagnostics/tie.js';

const check = (name: CheckResult['name'], status: CheckResult['status'], finding: CheckResult['finding'], message: string, more: Partial<CheckResult> = {}): CheckResult =>
  ({ name, status, finding, message, figures: {}, ...more });
const ok = (name: CheckResult['name'], message: string, figures: CheckResult['figures'] = {}): CheckResult => check(name, 'ok', 'browser-ok', message, { figures });
const relay = (name: CheckResult['name'], rttMs: number): CheckResult =>
  ok(name, 'Sound gets through it.', { connectMs: 3.1 * rttMs, packets: 200, loss: 0, rttMs, rttP95Ms: 1.4 * rttMs, jitterMs: 0.1 * rttMs });

const GOOD: CheckResult[] = [
  ok('browser', 'This browser can make calls.'),
  ok('microphone', 'It hears you.', { peakDb: -21 }),
  ok('speaker', 'You heard the tone.'),
  ok('server', 'It is reached.', { connectMs: 62, rttMs: 24, rttP95Ms: 31 }),
  ok('stun', 'UDP gets out and back.', { nat: 'some', address: '203.0.113.…', connectMs: 28 }),
  relay('relay-udp', 48), relay('relay-tcp', 52), relay('relay-tls', 55),
];
const change = (...changes: CheckResult[]): CheckResult[] => GOOD.map((one) => changes.find(({ name }) => name === one.name) ?? one);
const needsServer = (name: CheckResult['name']): CheckResult => check(name, 'skipped', 'needs-server', 'Not checked: which servers to try is known only from the server.');
const verdict = (outlook: Verdict['outlook'], code: Verdict['code'], message: string, remedy?: string, also: string[] = []): Verdict => ({ outlook, code, message, ...(remedy ? { remedy } : {}), also });

const STATES: Record<string, { told: (CheckResult | CheckRunning)[]; verdict?: Verdict }> = {
  before: { told: [] },
  speak: { told: [GOOD[0]!, { name: 'microphone', status: 'running', ask: 'speak', level: 0.72 }, GOOD[3]!, GOOD[4]!, { name: 'relay-udp', status: 'running' }] },
  listen: { told: [...GOOD.slice(0, 2), { name: 'speaker', status: 'running', ask: 'listen' }, ...GOOD.slice(3, 6), { name: 'relay-tcp', status: 'running' }] },
  good: { told: GOOD, verdict: verdict('good', 'everything-works', 'Everything works.') },
  'udp-blocked': {
    told: change(
      check('stun', 'failed', 'stun-silent', 'No reply over UDP.', { remedy: 'A firewall may block UDP; calls then need the relay. Try another network, or ask whoever runs this one.' }),
      check('relay-udp', 'failed', 'relay-unreachable', 'The relay is not reached this way.', { remedy: 'Try another network, or ask whoever runs this one.' }),
    ),
    verdict: verdict('limited', 'udp-blocked', 'Calls work, but only through the relay: UDP is blocked here.', 'You can call. Sound is smoother where UDP is allowed, in this network and to the server.'),
  },
  'mic-silent': {
    told: change(
      check('microphone', 'failed', 'mic-silent', 'It is open, but nothing comes from it: it is silent.', { figures: { peakDb: -100 }, remedy: 'See whether it is switched off or muted at the device or in the system, or choose another one.' }),
      check('relay-udp', 'warning', 'relay-lossy', 'It works, but many packets are lost on the way.', { figures: { connectMs: 180, packets: 200, loss: 0.11, rttMs: 61, rttP95Ms: 140, jitterMs: 21 }, remedy: 'Move closer to the Wi-Fi, use a cable, or try another network.' }),
    ),
    verdict: verdict('bad', 'mic-silent', 'Nobody will hear you: the microphone is silent.', 'See whether it is switched off or muted at the device or in the system, or choose another one.', ['Calls work, but will sound bad: many packets are lost on the way.']),
  },
  'server-gone': {
    told: change(
      check('server', 'failed', 'server-unreachable', 'It is not reached.', { remedy: 'Check the network connection; if that works, the server may be down.' }),
      needsServer('stun'), needsServer('relay-udp'), needsServer('relay-tcp'), needsServer('relay-tls'),
    ),
    verdict: verdict('bad', 'server-unreachable', 'No calls: the server cannot be reached.', 'Check the network connection; if that works, the server may be down.'),
  },
  stopped: {
    told: GOOD.map((one, i) => (i < 4 ? one : check(one.name, 'skipped', 'stopped', 'Not checked: it was stopped before.'))),
    verdict: verdict('unknown', 'stopped', 'The check was stopped.', 'Start it again to know the rest.'),
  },
};

const state = STATES[new URLSearchParams(location.search).get('state') ?? ''] ?? STATES['good']!;

function play(): Running {
  const report = (): PreflightReport => ({ at: Date.now(), durationMs: 19_400, verdict: state.verdict!, checks: state.told as CheckResult[] });
  let stop: () => void = () => {};
  return {
    done: new Promise((resolve) => (state.verdict ? setTimeout(() => resolve(report()), 10) : (stop = () => resolve({ ...report(), verdict: verdict('unknown', 'stopped', 'The check was stopped.') })))),
    on: (_event, listener) => setTimeout(() => state.told.forEach(listener)),
    stop: () => stop(),
  };
}

startDiagnostics({ guest: 'preview' }, play);
if (state.told.length > 0) document.getElementById('start')?.click();
