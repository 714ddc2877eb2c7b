/** A browser made of fakes. */

import { vi } from 'vitest';
import { Device } from '../device.js';
import type { AudioSink, Platform } from '../platform.js';
import type { DeviceOptions } from '../types.js';
import { FakeMediaDevices, FakePeerConnection, FakeStream } from './fake-media.js';
import { FakeServer } from './fake-server.js';

class FakeSink implements AudioSink {
  srcObject: MediaProvider | null = null;
  autoplay = false;
  sinkId = '';
  play = async (): Promise<void> => {};
  pause(): void {}
  async setSinkId(id: string): Promise<void> {
    this.sinkId = id;
  }
}

export interface Bench {
  device: Device;
  server: FakeServer;
  mic: FakeMediaDevices;
  window: EventTarget;
  sink: FakeSink;
  /** The latest peer connection. */
  pc: () => FakePeerConnection;
}

export function fakePlatform(server: FakeServer): Platform & { mic: FakeMediaDevices; sink: FakeSink } {
  const mic = new FakeMediaDevices();
  const sink = new FakeSink();
  let bytes = 0;
  return {
    mic,
    sink,
    WebSocket: server.WebSocket,
    RTCPeerConnection: FakePeerConnection as unknown as NonNullable<Platform['RTCPeerConnection']>,
    mediaDevices: mic as unknown as MediaDevices,
    fetch: () => Promise.reject(new TypeError('no network')),
    MediaStream: FakeStream as unknown as Platform['MediaStream'],
    AudioContext: undefined,
    createAudio: () => sink,
    storage: undefined,
    locks: undefined,
    events: new EventTarget(),
    network: undefined,
    isSecureContext: true,
    location: { protocol: 'https:', host: 'calls.example' },
    randomBytes: (length) => new Uint8Array(length).fill((bytes += 1)),
    random: () => 0,
  };
}

/** A device on fakes, not registered yet. Every test that uses it runs on fake timers. */
export function bench(options: Partial<DeviceOptions> = {}): Bench {
  const server = new FakeServer();
  const platform = fakePlatform(server);
  FakePeerConnection.made = [];
  const device = new Device({ guest: 'alice', device: 'web', iceServers: [], ...options, platform });
  return {
    device,
    server,
    mic: platform.mic,
    sink: platform.sink,
    window: platform.events,
    pc: () => FakePeerConnection.made.at(-1)!,
  };
}

/** The same, registered. */
export async function registered(options: Partial<DeviceOptions> = {}): Promise<Bench> {
  const made = bench(options);
  made.server.polite = true;
  const done = made.device.register();
  await settle();
  made.server.open();
  made.server.welcome();
  await done;
  return made;
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}
