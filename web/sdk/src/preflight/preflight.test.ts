import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ICE, rig } from '../testing/preflight.js';
import type { Rig } from '../testing/preflight.js';
import { voice } from '../testing/fake-sound.js';
import type { CheckName, CheckResult, PreflightOptions, PreflightReport } from './types.js';
import type { VerdictCode } from './verdict.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'debug').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const found = (report: PreflightReport, name: CheckName) => report.checks.find((check) => check.name === name)!;
const findings = ({ checks }: PreflightReport) => Object.fromEntries(checks.map(({ name, finding }) => [name, finding]));

test('where everything works the verdict is that everything works, with figures', async () => {
  const { run, open } = rig();
  const report = await run();
  expect(report.verdict).toEqual({ code: 'everything-works', outlook: 'good', message: 'Everything works.', also: [] });
  expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'browser ok', 'microphone ok', 'speaker ok', 'server ok', 'stun ok', 'relay-udp ok', 'relay-tcp ok', 'relay-tls ok',
  ]);
  expect(found(report, 'server').figures).toMatchObject({ connectMs: 20, rttMs: 20 });
  expect(found(report, 'stun').figures).toMatchObject({ nat: 'some', address: '203.0.113.…' });
  expect(found(report, 'relay-udp').figures).toEqual({ connectMs: 40, packets: 200, loss: 0, rttMs: 20, rttP95Ms: 20, jitterMs: 0 });
  expect(open()).toEqual([]);
});

interface Fault {
  what: string;
  inject: (rig: Rig) => Partial<PreflightOptions> | void;
  verdict: VerdictCode;
  sentence: RegExp;
}

const domException = (name: string) => (rig: Rig) => void (rig.platform.mic.fail = name);
const everyRelay = (way: Rig['network']['relay']['udp']) => ({ udp: way, tcp: way, tls: way });

/** One fault each, and what a person is told. */
const FAULTS: Fault[] = [
  { what: 'no microphone', inject: domException('NotFoundError'), verdict: 'mic-missing', sentence: /no microphone/ },
  { what: 'permission denied', inject: domException('NotAllowedError'), verdict: 'mic-denied', sentence: /not allowed/ },
  { what: 'microphone taken', inject: domException('NotReadableError'), verdict: 'mic-busy', sentence: /another program/ },
  { what: 'silent microphone', inject: ({ sound }) => void (sound.loudness = () => 0), verdict: 'mic-silent', sentence: /microphone is silent/ },
  { what: 'humming microphone', inject: ({ sound }) => void (sound.loudness = () => 0.1), verdict: 'mic-even', sentence: /one even sound/ },
  { what: 'no voice', inject: ({ sound }) => void (sound.loudness = (ms) => 0.0004 + 0.0003 * Math.sin(ms)), verdict: 'mic-quiet', sentence: /no voice/ },
  { what: 'no sound comes out', inject: () => ({ heard: async () => false }), verdict: 'speaker-unheard', sentence: /hear nobody/ },
  { what: 'server gone', inject: ({ line }) => void (line.does = 'does-not-open'), verdict: 'server-unreachable', sentence: /server cannot be reached/ },
  { what: 'WebSocket blocked', inject: ({ line }) => void Object.assign(line, { does: 'does-not-open', http: true }), verdict: 'websocket-blocked', sentence: /blocks WebSockets/ },
  { what: 'server mute', inject: ({ line }) => void (line.does = 'is-silent'), verdict: 'server-silent', sentence: /does not reply/ },
  { what: 'token refused', inject: ({ line }) => (line.does = 'unauthorized', { token: async () => 'bad' }), verdict: 'token-refused', sentence: /refuses who you are/ },
  { what: 'guests not let in', inject: ({ line }) => void (line.does = 'forbidden'), verdict: 'server-forbidden', sentence: /does not let you in/ },
  { what: 'server turns away', inject: ({ line }) => void (line.does = 'rate_limited'), verdict: 'server-busy', sentence: /turns connections away/ },
  { what: 'server goes down', inject: ({ line }) => void (line.does = 'goes down'), verdict: 'server-busy', sentence: /turns connections away/ },
  { what: 'no token to be had', inject: () => ({ token: () => Promise.reject(new Error('503')) }), verdict: 'token-unavailable', sentence: /no token/ },
  { what: 'token function that hangs', inject: () => ({ token: () => new Promise(() => {}) }), verdict: 'token-unavailable', sentence: /no token/ },
  { what: 'UDP blocked', inject: ({ network }) => void Object.assign(network, { stun: 'silent', relay: { udp: 'unreachable', tcp: 'open', tls: 'open' } }), verdict: 'udp-blocked', sentence: /only through the relay: UDP is blocked here/ },
  { what: 'no relay reachable', inject: ({ network }) => void (network.relay = everyRelay('unreachable')), verdict: 'relay-unreachable', sentence: /no relay can be reached/ },
  { what: 'nothing but the web', inject: ({ network }) => void Object.assign(network, { stun: 'silent', relay: everyRelay('unreachable') }), verdict: 'no-way', sentence: /No sound will get through/ },
  { what: 'wrong TURN secret', inject: ({ network }) => void (network.relay = everyRelay('refused')), verdict: 'relay-refused', sentence: /refuses the credentials/ },
  { what: 'relay full', inject: ({ network }) => void (network.relay = everyRelay('full')), verdict: 'relay-full', sentence: /relay is full/ },
  { what: 'relay lets nothing pass', inject: ({ network }) => void (network.relay = everyRelay('no-path')), verdict: 'relay-no-path', sentence: /nothing passes/ },
  { what: 'high loss', inject: ({ network }) => void (network.lost = (n) => n % 7 === 0), verdict: 'high-loss', sentence: /packets are lost/ },
  { what: 'high round trip', inject: ({ network }) => void (network.delayMs = 300), verdict: 'high-rtt', sentence: /long delay/ },
  { what: 'unsteady delay', inject: ({ network }) => void (network.lateMs = (n) => (n % 4 < 2 ? 0 : 120)), verdict: 'high-jitter', sentence: /stutter/ },
  { what: 'no relay configured', inject: ({ line }) => void (line.iceServers = ICE.slice(0, 1)), verdict: 'no-relay', sentence: /offers no relay/ },
  { what: 'only TLS closed', inject: ({ network }) => void (network.relay.tls = 'unreachable'), verdict: 'relay-partly', sentence: /Calls work/ },
  { what: 'insecure page', inject: ({ platform }) => void Object.assign(platform, { isSecureContext: false }), verdict: 'insecure-context', sentence: /not secure/ },
  { what: 'old browser', inject: ({ platform }) => void Object.assign(platform, { RTCPeerConnection: undefined }), verdict: 'unsupported-browser', sentence: /this browser/ },
];

test.each(FAULTS)('an injected fault is named: $what', async ({ inject, verdict, sentence }) => {
  const broken = rig();
  const report = await broken.run(inject(broken) ?? {});
  expect(report.verdict.code, JSON.stringify(findings(report))).toBe(verdict);
  expect(report.verdict.message).toMatch(sentence);
  expect(broken.open()).toEqual([]);
});

test('of two faults the one that matters more is the verdict, and the other is told beside it', async () => {
  const broken = rig();
  broken.sound.loudness = () => 0;
  broken.network.lost = (n) => n % 5 === 0;
  const { verdict } = await broken.run();
  expect([verdict.code, verdict.also]).toEqual(['mic-silent', ['Sound will be bad: many packets are lost on the way.']]);
});

describe('what cannot be checked says so', () => {
  test('without the server nobody knows which relays to try', async () => {
    const { run, line } = rig();
    line.does = 'does-not-open';
    const report = await run();
    for (const name of ['stun', 'relay-udp', 'relay-tcp', 'relay-tls'] as const) {
      expect(found(report, name)).toMatchObject({ status: 'skipped', finding: 'needs-server' });
    }
    expect(found(report, 'microphone').finding).toBe('mic-ok');
  });

  test('a fixed list of ICE servers is tried without the server, too', async () => {
    const { run, line } = rig();
    line.does = 'does-not-open';
    const report = await run({ iceServers: ICE });
    expect(found(report, 'relay-tls').finding).toBe('relay-ok');
  });

  test('a speaker that nobody was asked about', async () => {
    const { run } = rig();
    const report = await run({ heard: undefined as never });
    expect([found(report, 'speaker').finding, report.verdict.code]).toEqual(['speaker-unasked', 'works-as-checked']);
  });

  test('a level that the browser does not let be measured is not called silence', async () => {
    const { run, sound } = rig();
    sound.state = 'suspended';
    expect(found(await run(), 'microphone').finding).toBe('mic-unmeasured');
  });

  test('a check that goes wrong itself', async () => {
    const { run, platform, open } = rig();
    Object.assign(platform, { RTCPeerConnection: class { constructor() { throw new Error('a bug'); } } });
    const report = await run();
    expect(found(report, 'stun')).toMatchObject({ status: 'skipped', finding: 'check-failed' });
    expect(found(report, 'relay-tls').finding).toBe('check-failed');
    expect(report.verdict.code).toBe('works-as-checked');
    expect(open()).toEqual([]);
  });
});

describe('it releases everything', () => {
  /** By then the fakes have no timer left; one of the preflight would still be there. */
  const LATE_MS = 400;
  /** Before, within and after each check. */
  const MOMENTS_MS = [0, 1, 10, 25, 45, 150, 200, 250, 400, 900, 2_000, 4_500, 6_000, 9_000, 13_000];

  test.each(MOMENTS_MS)('when it is stopped after %i ms', async (ms) => {
    const { begin, open } = rig();
    const preflight = begin({ heard: () => new Promise(() => {}) });
    await vi.advanceTimersByTimeAsync(ms);
    preflight.stop();
    const { verdict, checks } = await preflight.done;
    await vi.advanceTimersByTimeAsync(LATE_MS);
    expect(open()).toEqual([]);
    expect([verdict.code, verdict.outlook]).toEqual(['stopped', 'unknown']);
    expect(checks).toHaveLength(8);
  });

  test('a microphone that the user allows only after it was stopped', async () => {
    const { begin, platform, open } = rig();
    let allow: () => void = () => {};
    const open1 = platform.mic.getUserMedia.bind(platform.mic);
    platform.mic.getUserMedia = async (constraints) => {
      await new Promise<void>((resolve) => (allow = resolve));
      return open1(constraints);
    };
    const preflight = begin();
    await vi.advanceTimersByTimeAsync(1_000);
    preflight.stop();
    await preflight.done;
    allow();
    await vi.advanceTimersByTimeAsync(LATE_MS);
    expect([platform.mic.tracks.length, open()]).toEqual([1, []]);
  });

  test('the question about the tone is withdrawn when it is stopped', async () => {
    const { begin, sound } = rig();
    sound.loudness = voice;
    let asked: AbortSignal | undefined;
    const preflight = begin({ heard: (signal) => ((asked = signal), new Promise(() => {})) });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked?.aborted).toBe(false);
    preflight.stop();
    await preflight.done;
    expect(asked?.aborted).toBe(true);
  });
});

test('progress tells when a check begins, what it needs of the user, and how it ended', async () => {
  const { begin } = rig();
  const preflight = begin();
  const told: string[] = [];
  preflight.on('progress', (progress) => told.push(`${progress.name} ${progress.status === 'running' ? (progress.ask ?? 'begins') : progress.finding}`));
  await vi.advanceTimersByTimeAsync(60_000);
  await preflight.done;
  const once = [...new Set(told)];
  expect(once.slice(0, 2)).toEqual(['browser begins', 'browser browser-ok']);
  expect(once.filter((line) => line.startsWith('microphone'))).toEqual(['microphone begins', 'microphone permission', 'microphone speak', 'microphone mic-ok']);
  expect(once.filter((line) => line.startsWith('speaker'))).toEqual(['speaker begins', 'speaker listen', 'speaker speaker-ok']);
  expect(once.at(-1)).toBe('relay-tls relay-ok');
});

test('each relay is tried over its own transport only, and relay to relay', async () => {
  const { run, network } = rig();
  await run();
  const relayed = network.made.filter(({ config }) => config.iceTransportPolicy === 'relay');
  expect(relayed.map(({ config }) => config.iceServers?.[0]?.urls)).toEqual([
    ICE[1]!.urls[0], ICE[1]!.urls[0], ICE[1]!.urls[1], ICE[1]!.urls[1], ICE[1]!.urls[2], ICE[1]!.urls[2],
  ]);
  for (const { channel } of relayed) expect(channel?.init).toMatchObject({ ordered: false, maxRetransmits: 0 });
});

test('another URL of the same transport is tried when one does not work', async () => {
  const { run, network } = rig();
  network.relay.tcp = 'unreachable';
  const urls = ['turn:a.example?transport=tcp', 'turns:b.example'];
  const report = await run({ iceServers: [{ urls, username: 'u', credential: 'c' }] });
  expect([found(report, 'relay-tcp').target, found(report, 'relay-tls').target]).toEqual(urls);
});

test('it signs in as a device of its own, so that it takes over from no other page', async () => {
  const { run, server } = rig();
  await run();
  expect(server.sent('hello')).toHaveLength(1);
  expect(server.sent('hello')[0]).toMatchObject({ data: { guest: 'alice', device: expect.stringMatching(/^check-[\w-]{12}$/) } });
  expect(server.socket.closedWith).toBe(1000);
});

test('a token that was refused is fetched once more, as a device does', async () => {
  const { begin, line } = rig();
  line.does = 'unauthorized';
  const reasons: string[] = [];
  const preflight = begin({ token: async ({ reason }) => ((line.does = reasons.push(reason) > 1 ? 'welcomes' : 'unauthorized'), 'token') });
  await vi.advanceTimersByTimeAsync(60_000);
  const report = await preflight.done;
  expect([reasons, found(report, 'server').status]).toEqual([['start', 'rejected'], 'ok']);
});

test('a report holds no secret and no address of this browser', async () => {
  const { run } = rig();
  const text = JSON.stringify(await run({ token: async () => 'eyJ.secret.token' }));
  for (const secret of ['eyJ', 'secret', '1700000000', '203.0.113.77', '192.168.0.2']) expect(text).not.toContain(secret);
});

test('what is wrong in the options is thrown and not reported', () => {
  const { begin } = rig();
  expect(() => begin({ guest: undefined as never })).toThrow('neither token nor guest');
  expect(() => begin({ device: 'a b' })).toThrow('device is not a name');
});

test('every check has one result', async () => {
  const names: CheckResult['name'][] = [];
  const { begin } = rig();
  const preflight = begin();
  preflight.on('progress', (progress) => progress.status !== 'running' && names.push(progress.name));
  await vi.advanceTimersByTimeAsync(60_000);
  const { checks } = await preflight.done;
  expect([...names].sort()).toEqual(checks.map(({ name }) => name).sort());
});
