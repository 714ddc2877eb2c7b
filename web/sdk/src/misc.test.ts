import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { claimDeviceName } from './device-name.js';
import { CallError, ERRORS } from './errors.js';
import { base64url, isName, parseAddress } from './ids.js';
import { levelOf } from './level.js';
import { callPathOf, pathOf, sampleOf } from './stats.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('16 bytes are 22 characters of base64url', () => {
  expect(base64url(new Uint8Array(16))).toBe('AAAAAAAAAAAAAAAAAAAAAA');
  expect(base64url(Uint8Array.of(0xfb, 0xff, 0xfe))).toBe('-__-');
  expect(base64url(Uint8Array.of(255))).toBe('_w');
});

test('an address is a user, and perhaps a device', () => {
  expect(parseAddress('bob/phone')).toEqual({ user: 'bob', device: 'phone' });
  expect(parseAddress('bob')).toEqual({ user: 'bob' });
});

test('a name has 1 to 64 plain characters', () => {
  expect(isName('a.B-9_')).toBe(true);
  for (const name of ['', 'a b', 'a/b', 'ü', 'x'.repeat(65)]) expect(isName(name)).toBe(false);
});

test('every error has a sentence and a remedy', () => {
  for (const { message, hint } of Object.values(ERRORS)) {
    expect(message).toMatch(/^[A-Z].*\.$/);
    expect(hint).toMatch(/^[A-Z].*\.$/);
  }
});

test('a refusal of the server keeps its own words for developers, also if its code is not known here', () => {
  const known = CallError.fromWire({ code: 'rate_limited', message: 'too many calls', retry_ms: 5 });
  expect([known.code, known.retryAfterMs, known.message]).toEqual([
    'rate-limited',
    5,
    'Too many attempts. (rate_limited: too many calls)',
  ]);
  expect(CallError.fromWire({ code: 'later' as 'unavailable', message: 'x' }).code).toBe('internal');
});

test('what getUserMedia throws is told apart', () => {
  const code = (name: string) => CallError.fromMicrophone(new DOMException('', name)).code;
  expect(code('NotAllowedError')).toBe('mic-denied');
  expect(code('NotFoundError')).toBe('mic-missing');
  expect(code('NotReadableError')).toBe('mic-busy');
  expect(code('Strange')).toBe('internal');
});

test('silence is 0 and full scale is 1', () => {
  expect(levelOf(new Float32Array(64))).toBe(0);
  expect(levelOf(new Float32Array(64).fill(1))).toBe(1);
  expect(levelOf(new Float32Array(64).fill(0.0316))).toBeCloseTo(0.5, 2);
});

function report(localType: string, remoteType: string, pair: object = { nominated: true, state: 'succeeded' }, local = {}) {
  const entries = [
    { id: 'p', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', ...pair },
    { id: 'l', type: 'local-candidate', candidateType: localType, ...local },
    { id: 'r', type: 'remote-candidate', candidateType: remoteType },
    { id: 'i', type: 'inbound-rtp', kind: 'audio', packetsReceived: 50, packetsLost: 1, jitter: 0.004, codecId: 'c' },
    { id: 'x', type: 'remote-inbound-rtp', kind: 'audio', roundTripTime: 0.12, fractionLost: 0.1 },
    { id: 'c', type: 'codec', mimeType: 'audio/opus' },
  ];
  return new Map(entries.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
}

test('a path is direct unless one end is relayed', () => {
  expect(pathOf(report('host', 'srflx'))).toBe('direct');
  expect(pathOf(report('relay', 'host'))).toBe('relay');
  expect(pathOf(report('host', 'host', { state: 'waiting' }))).toBe('unknown');
  expect(pathOf(report('host', 'relay', { selected: true }))).toBe('relay');
});

test('a relayed path says how this side reaches its relay, and UDP if only the other side has one', () => {
  const pair = { nominated: true, state: 'succeeded' };
  const over = (relayProtocol?: string) => callPathOf(sampleOf(report('relay', 'host', pair, { relayProtocol }), 0));
  expect(['udp', 'tcp', 'tls', undefined].map(over)).toEqual(['relay_udp', 'relay_tcp', 'relay_tls', 'relay_udp']);
  expect(callPathOf(sampleOf(report('prflx', 'relay'), 0))).toBe('relay_udp');
  expect(callPathOf(sampleOf(report('host', 'host'), 0))).toBe('direct');
});

test('a sample is in milliseconds, and lacks what the browser does not tell', () => {
  expect(sampleOf(report('host', 'host'), 7)).toEqual({
    at: 7,
    path: 'direct',
    packetsReceived: 50,
    packetsLost: 1,
    packetsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    jitterMs: 4,
    rttMs: 120,
    remoteFractionLost: 0.1,
    codec: 'opus',
  });
});

/** Web Locks of one browser: the pages share `taken`. */
function locks(taken = new Set<string>()) {
  const request = async (name: string, _options: unknown, held: (lock: object | null) => unknown) => {
    if (taken.has(name)) return void held(null);
    taken.add(name);
    await held({ name });
    taken.delete(name);
  };
  return { request: request as unknown as LockManager['request'] };
}

function tab(kept?: string) {
  const values = new Map(kept === undefined ? [] : [['tincan.device', kept]]);
  const storage = { getItem: (k: string) => values.get(k) ?? null, setItem: (k: string, v: string) => void values.set(k, v) };
  return { storage, values };
}

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

test('a reloaded tab keeps its device name', async () => {
  const first = tab();
  const shared = locks();
  const { name, release } = await claimDeviceName({ storage: first.storage, locks: shared, randomBytes });
  expect(isName(name)).toBe(true);
  release();
  await vi.advanceTimersByTimeAsync(0);
  const again = await claimDeviceName({ storage: first.storage, locks: shared, randomBytes });
  expect(again.name).toBe(name);
});

test('a duplicated tab gets a name of its own', async () => {
  const shared = locks();
  const first = await claimDeviceName({ storage: tab().storage, locks: shared, randomBytes });
  const claim = claimDeviceName({ storage: tab(first.name).storage, locks: shared, randomBytes });
  await vi.advanceTimersByTimeAsync(200);
  expect((await claim).name).not.toBe(first.name);
});

test('without storage and locks a device still has a name', async () => {
  const { name } = await claimDeviceName({ storage: undefined, locks: undefined, randomBytes });
  expect(isName(name)).toBe(true);
});
