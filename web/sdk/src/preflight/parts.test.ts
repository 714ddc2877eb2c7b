import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { relays, stunServers } from './ice-urls.js';
import { judge } from './microphone.js';
import { natOf, shortened } from './nat.js';
import { passageOf, quantile } from './passage.js';
import { orAborted, pause, waitFor } from './wait.js';

describe('the list of ICE servers', () => {
  const urls = [
    'turn:h:3478',
    'turn:h?transport=UDP',
    'turn:h:443?transport=tcp',
    'turns:h:443',
    'turns:h?transport=tcp',
    'turns:h?transport=udp',
    'stun:h',
    'stuns:h',
  ];
  const servers: RTCIceServer[] = [{ urls, username: 'u', credential: 'c' }, { urls: 'stun:other' }];
  const of = (list: { urls: string }[]) => list.map((server) => server.urls);

  test('is taken apart by transport, and each URL keeps its credentials', () => {
    expect(of(relays(servers, 'udp'))).toEqual(['turn:h:3478', 'turn:h?transport=UDP']);
    expect(of(relays(servers, 'tcp'))).toEqual(['turn:h:443?transport=tcp']);
    expect(of(relays(servers, 'tls'))).toEqual(['turns:h:443', 'turns:h?transport=tcp']);
    expect(of(stunServers(servers))).toEqual(['stun:h', 'stuns:h', 'stun:other']);
    expect(relays(servers, 'tls')[0]).toEqual({ urls: 'turns:h:443', username: 'u', credential: 'c' });
  });
});

describe('a microphone', () => {
  const repeat = (n: number, level: (i: number) => number) => Array.from({ length: n }, (_, i) => level(i));

  test('hears somebody when it became loud, and quieter again', () => {
    expect(judge([-60, -40, -30])).toBeUndefined();
    expect(judge([-60, -40, -30, -40])).toBe('mic-ok');
    expect(judge([-60, -50, -46, -60])).toBeUndefined();
  });

  test('is dead after 3 s of the same level, and not a moment sooner', () => {
    expect(judge(repeat(29, () => -100))).toBeUndefined();
    expect(judge(repeat(30, () => -100))).toBe('mic-silent');
    expect(judge([-60, ...repeat(30, () => -30)])).toBe('mic-even');
  });

  test('in a quiet room is not dead: its level moves', () => {
    const room = (i: number) => -75 + (i % 3);
    expect(judge(repeat(99, room))).toBeUndefined();
    expect(judge(repeat(100, room))).toBe('mic-quiet');
  });
});

describe('the way out', () => {
  const seen = (port: number, relatedPort = 5000, address = '203.0.113.7', relatedAddress = '192.168.0.2') => ({
    address,
    port,
    relatedAddress,
    relatedPort,
  });

  test('is known no better than the replies tell', () => {
    expect(natOf([seen(40_000)], 1)).toBe('some');
    expect(natOf([seen(40_000)], 2)).toBe('one-port');
    expect(natOf([seen(40_000), seen(40_001)], 2)).toBe('many-ports');
    // Two local sockets have two ports outside anyway.
    expect(natOf([seen(40_000, 5000), seen(40_001, 5001)], 1)).toBe('some');
    expect(natOf([seen(5000, 5000, '198.51.100.1', '198.51.100.1')], 1)).toBe('none');
  });

  test('is not guessed at where the browser hides its sockets', () => {
    const hidden = (port: number) => seen(port, 0, '203.0.113.7', '0.0.0.0');
    expect(natOf([hidden(40_000), hidden(40_001)], 2)).toBe('some');
    expect(natOf([hidden(40_000)], 2)).toBe('some');
  });

  test('is told without the last part of the address', () => {
    expect(shortened('203.0.113.77')).toBe('203.0.113.…');
    expect(shortened('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:…');
    for (const address of ['fd00::2', '[fd00::2]']) expect(shortened(address)).toBe('fd00:…');
  });
});

describe('a passage', () => {
  test('is lossless and steady when every packet takes the same time', () => {
    const packets = [0, 20, 40, 60].map((sentAt) => ({ sentAt, arrivedAt: sentAt + 10, backAt: sentAt + 20 }));
    expect(passageOf(packets)).toEqual({ packets: 4, loss: 0, rttMs: 20, rttP95Ms: 20, jitterMs: 0 });
  });

  test('counts as lost what did not arrive, and not what arrived and did not come back', () => {
    const packets = [
      { sentAt: 0, arrivedAt: 10, backAt: 20 },
      { sentAt: 20, arrivedAt: 30 },
      { sentAt: 40 },
      { sentAt: 60, arrivedAt: 70, backAt: 80 },
    ];
    expect(passageOf(packets)).toMatchObject({ packets: 4, loss: 0.25, rttMs: 20 });
  });

  test('has the mean change of delay between packets as they arrived as its jitter', () => {
    const packets = [
      [0, 10],
      [20, 50],
      [40, 45],
    ].map(([sentAt, arrivedAt]) => ({ sentAt: sentAt!, arrivedAt: arrivedAt! }));
    // In the order of arrival the transits are 10, 5, 30.
    expect(passageOf(packets).jitterMs).toBe(15);
  });

  test('of which nothing arrived has no times', () => {
    expect(passageOf([{ sentAt: 0 }, { sentAt: 20 }])).toEqual({ packets: 2, loss: 1 });
    expect(passageOf([])).toEqual({ packets: 0, loss: 0 });
  });

  test('is told by ranks, so that one late packet does not hide the rest', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(values, 0.5), quantile(values, 0.95), quantile([7], 0.95)]).toEqual([50, 95, 7]);
  });
});

describe('waiting', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('ends with what was waited for, or after its time, and leaves no timer', async () => {
    const { signal } = new AbortController();
    expect(await waitFor(signal, 100, 'late', (done) => done('there'))).toBe('there');
    const late = waitFor(signal, 100, 'late', () => {});
    await vi.advanceTimersByTimeAsync(100);
    expect([await late, vi.getTimerCount()]).toEqual(['late', 0]);
  });

  test('is given up when it is stopped, also if that was before', async () => {
    const stop = new AbortController();
    const waiting = [pause(stop.signal, 1_000), orAborted(stop.signal, new Promise(() => {}))].map((one) =>
      one.catch((error) => error.code),
    );
    stop.abort();
    expect(await Promise.all(waiting)).toEqual(['aborted', 'aborted']);
    await expect(pause(stop.signal, 1_000)).rejects.toMatchObject({ code: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('hands on what comes too late, so that it can be released', async () => {
    const stop = new AbortController();
    const released: string[] = [];
    let give: (value: string) => void = () => {};
    const waiting = orAborted(stop.signal, new Promise<string>((resolve) => (give = resolve)), (late) =>
      released.push(late),
    ).catch(() => {});
    stop.abort();
    await waiting;
    give('microphone');
    await vi.advanceTimersByTimeAsync(0);
    expect(released).toEqual(['microphone']);
  });
});
