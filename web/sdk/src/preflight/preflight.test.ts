import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ICE, rig } from '../testing/preflight.js';
import type { Rig } from '../testing/preflight.js';
import { voice } from '../testing/fake-sound.js';
import type { CheckName, CheckResult, PreflightOptions, PreflightReport } from './types.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'debug').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const found = (report: PreflightReport, name: CheckName) => report.checks.find((check) => check.name === name)!;

test('where everything works the verdict is that everything works, with figures', async () => {
  const { run, open } = rig();
  const report = await run();
  expect(report.verdict).toEqual({ code: 'everything-works', outlook: 'good', message: 'Everything works.', also: [] });
  expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'browser ok',
    'microphone ok',
    'speaker ok',
    'server ok',
    'stun ok',
    'relay-udp ok',
    'relay-tcp ok',
    'relay-tls ok',
  ]);
  expect(found(report, 'server').figures).toMatchObject({ connectMs: 20, rttMs: 20 });
  expect(found(report, 'stun').figures).toMatchObject({ nat: 'some', address: '203.0.113.…' });
  expect(found(report, 'relay-udp').figures).toEqual({
    connectMs: 40,
    packets: 200,
    loss: 0,
    rttMs: 20,
    rttP95Ms: 20,
    jitterMs: 0,
  });
  expect(open()).toEqual([]);
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

  test('who is not let in can still try what the server names to everybody', async () => {
    const { run, line, open } = rig();
    Object.assign(line, { does: 'forbidden', http: ICE });
    const report = await run();
    expect([found(report, 'stun').finding, found(report, 'relay-udp').finding]).toEqual(['stun-ok', 'relay-ok']);
    expect([report.verdict.code, open()]).toEqual(['server-forbidden', []]);

    // It tells everybody of its STUN server only: that says nothing of relays.
    line.http = ICE.slice(0, 1);
    const { checks, verdict } = await run();
    expect(checks.slice(4).map(({ finding }) => finding)).toEqual(['stun-ok', ...Array(3).fill('needs-server')]);
    expect(verdict.also).toEqual([]);
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
    Object.assign(platform, {
      RTCPeerConnection: class {
        constructor() {
          throw new Error('a bug');
        }
      },
    });
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
  preflight.on('progress', (progress) =>
    told.push(`${progress.name} ${progress.status === 'running' ? (progress.ask ?? 'begins') : progress.finding}`),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  await preflight.done;
  const once = [...new Set(told)];
  expect(once.slice(0, 2)).toEqual(['browser begins', 'browser browser-ok']);
  expect(once.filter((line) => line.startsWith('microphone'))).toEqual([
    'microphone begins',
    'microphone permission',
    'microphone speak',
    'microphone mic-ok',
  ]);
  expect(once.filter((line) => line.startsWith('speaker'))).toEqual([
    'speaker begins',
    'speaker listen',
    'speaker speaker-ok',
  ]);
  expect(once.at(-1)).toBe('relay-tls relay-ok');
});

describe('the way out', () => {
  const stunned = async (change: (rig: Rig) => Partial<PreflightOptions> | void) => {
    const changed = rig();
    return found(await changed.run(change(changed) ?? {}), 'stun');
  };

  test('is untranslated where a relay saw the browser’s own address, although no STUN reply is told', async () => {
    expect(await stunned(({ network }) => void (network.stun = 'untold'))).toMatchObject({
      finding: 'stun-no-nat',
      figures: { connectMs: 20 },
    });
  });

  test('is known of no STUN server if only a relay replies, and saw another address', async () => {
    expect(await stunned(({ network }) => void (network.stun = 'silent'))).toMatchObject({
      finding: 'stun-silent',
      figures: {},
    });
  });

  test('has another port for each destination if two STUN servers saw two', async () => {
    const iceServers = [{ urls: ['stun:one.example', 'stun:two.example'] }];
    expect((await stunned(() => ({ iceServers }))).figures.nat).toBe('one-port');
    const many = await stunned(({ network }) => ((network.ports = [40_000, 40_001]), { iceServers }));
    expect(many).toMatchObject({ status: 'warning', finding: 'stun-many-ports', figures: { nat: 'many-ports' } });
  });
});

test('each relay is tried over its own transport only, and relay to relay', async () => {
  const { run, network } = rig();
  await run();
  const relayed = network.made.filter(({ config }) => config.iceTransportPolicy === 'relay');
  expect(relayed.map(({ config }) => config.iceServers?.[0]?.urls)).toEqual([
    ICE[1]!.urls[0],
    ICE[1]!.urls[0],
    ICE[1]!.urls[1],
    ICE[1]!.urls[1],
    ICE[1]!.urls[2],
    ICE[1]!.urls[2],
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
  expect(server.sent('hello')[0]).toMatchObject({
    data: { guest: 'alice', device: expect.stringMatching(/^check-[\w-]{12}$/) },
  });
  expect(server.socket.closedWith).toBe(1000);
});

test('a token that was refused is fetched once more, as a device does', async () => {
  const { begin, line } = rig();
  line.does = 'unauthorized';
  const reasons: string[] = [];
  const preflight = begin({
    token: async ({ reason }) => ((line.does = reasons.push(reason) > 1 ? 'welcomes' : 'unauthorized'), 'token'),
  });
  await vi.advanceTimersByTimeAsync(60_000);
  const report = await preflight.done;
  expect([reasons, found(report, 'server').status]).toEqual([['start', 'rejected'], 'ok']);
});

test('a report holds no secret and no address of this browser', async () => {
  const { run } = rig();
  const text = JSON.stringify(await run({ token: async () => 'eyJ.secret.token' }));
  for (const secret of ['eyJ', 'secret', '1700000000', '203.0.113.77', '192.168.0.2'])
    expect(text).not.toContain(secret);
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
