/** A preflight on fakes, which can be broken in every way that a preflight tells apart. */

import { vi } from 'vitest';
import { Device } from '../device.js';
import type { Platform } from '../platform.js';
import type { PreflightOptions, PreflightReport } from '../preflight/types.js';
import { FakeNetwork } from './fake-ice.js';
import { FakeServer } from './fake-server.js';
import { FakeSound } from './fake-sound.js';
import { fakePlatform } from './fake-platform.js';

export const ICE: RTCIceServer[] = [
  { urls: ['stun:calls.example:3478'] },
  {
    urls: ['turn:calls.example:3478', 'turn:calls.example:3478?transport=tcp', 'turns:calls.example:443?transport=tcp'],
    username: '1700000000:alice',
    credential: 'secret',
  },
];

export interface FakeLine {
  /** What the server does with a connection. An error code is its reply to `hello`, and the close follows. */
  does: 'welcomes' | 'does-not-open' | 'is-silent' | keyof typeof CLOSED_AFTER;
  rttMs: number;
  iceServers: RTCIceServer[];
  /** What replies at the server's address over HTTP: nothing, something, or `/ice-servers`. */
  http: 'nothing' | 'something' | RTCIceServer[];
}

export interface Rig {
  line: FakeLine;
  network: FakeNetwork;
  sound: FakeSound;
  platform: ReturnType<typeof fakePlatform>;
  server: FakeServer;
  /** Starts the preflight, lets so much time pass that every check ends, and returns the report. */
  run: (options?: Partial<PreflightOptions>) => Promise<PreflightReport>;
  begin: (options?: Partial<PreflightOptions>) => ReturnType<typeof Device.preflight>;
  /** What is still open, by name. */
  open: () => string[];
}

/** The close code behind each error; `goes down` is a close without an error. */
const CLOSED_AFTER = { unauthorized: 4501, forbidden: 4503, rate_limited: 4029, 'goes down': 1012 } as const;

const MORE_THAN_ENOUGH_MS = 120_000;

export function rig(): Rig {
  const line: FakeLine = { does: 'welcomes', rttMs: 20, iceServers: ICE, http: 'nothing' };
  const network = new FakeNetwork();
  const sound = new FakeSound();
  const server = new FakeServer();
  const platform = fakePlatform(server);
  const fakes: Partial<Platform> = {
    WebSocket: scripted(server, line),
    RTCPeerConnection: network.RTCPeerConnection,
    AudioContext: sound.AudioContext,
    fetch: async (url) => {
      if (line.http === 'nothing') throw new TypeError('no network');
      return Array.isArray(line.http) && url.endsWith('/ice-servers')
        ? Response.json({ iceServers: line.http })
        : new Response('a page');
    },
  };
  Object.assign(platform, fakes);
  const begin: Rig['begin'] = (options = {}) =>
    Device.preflight({ guest: 'alice', heard: async () => true, ...options, platform });
  const run: Rig['run'] = async (options) => {
    const preflight = begin(options);
    await vi.advanceTimersByTimeAsync(MORE_THAN_ENOUGH_MS);
    return preflight.done;
  };
  const open = () => [
    ...platform.mic.tracks.filter(({ stopped }) => !stopped).map(() => 'microphone'),
    ...network.made.filter(({ closed }) => !closed).map(() => 'peer connection'),
    ...server.sockets.filter(({ readyState }) => readyState !== 3).map(() => 'socket'),
    ...sound.made.filter(({ state }) => state !== 'closed').map(() => 'audio context'),
    ...(platform.sink.srcObject ? ['tone'] : []),
    ...Array.from({ length: vi.getTimerCount() }, () => 'timer'),
  ];
  return { line, network, sound, platform, server, run, begin, open };
}

/** Sockets behind which `line` says what happens. */
function scripted(server: FakeServer, line: FakeLine): Platform['WebSocket'] {
  return class extends server.WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      if (line.does === 'does-not-open') setTimeout(() => server.close(1006), line.rttMs);
      else setTimeout(() => server.socket.readyState !== 3 && server.open(), line.rttMs);
    }

    override send(text: string): void {
      super.send(text);
      if (line.does !== 'is-silent')
        setTimeout(() => server.socket.readyState !== 3 && reply(JSON.parse(text).type, server, line), line.rttMs);
    }
  } as Platform['WebSocket'];
}

function reply(type: string, server: FakeServer, { does, iceServers }: FakeLine): void {
  if (does in CLOSED_AFTER) return refuse(does as keyof typeof CLOSED_AFTER, server);
  if (type === 'hello') server.welcome();
  if (type === 'ping') server.raw({ type: 'pong' });
  if (type === 'ice-servers-request') {
    server.send({ type: 'ice-servers-response', re: 'ice', data: { iceServers, relay_only: false, ttl_s: 60 } });
  }
}

function refuse(why: keyof typeof CLOSED_AFTER, server: FakeServer): void {
  if (why !== 'goes down') server.raw({ type: 'error', data: { code: why, message: 'no' } });
  server.close(CLOSED_AFTER[why]);
}
