import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connected, incoming } from './testing/calls.js';
import { settle } from './testing/fake-platform.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('mute silences the track and tells the other side both ways', async () => {
  const { call, server, pc, mic } = await connected();
  const heard: boolean[] = [];
  call.on('mute', (on) => heard.push(on));
  call.mute();
  call.mute();
  expect(mic.tracks[0]?.enabled).toBe(false);
  expect(server.sent('call-update').at(-1)).toMatchObject({ data: { muted: true } });
  expect(pc().channel.sent).toEqual([{ type: 'update', update: { muted: true } }]);
  call.mute(false);
  expect(heard).toEqual([true, false]);
});

test('a call muted while it rings is muted from the first moment', async () => {
  const { call, mic } = await incoming();
  call.mute();
  await call.accept();
  expect(mic.tracks[0]?.enabled).toBe(false);
});

test('the other side is known to be muted, once, whichever way it comes', async () => {
  const { call, server, pc } = await connected();
  const heard: boolean[] = [];
  call.on('remoteMute', (on) => heard.push(on));
  pc().channel.hear({ type: 'update', update: { muted: true } });
  server.send({ type: 'call-update', call: call.id, from: 'bob/phone', data: { muted: true } });
  expect([heard, call.remoteMuted]).toEqual([[true], true]);
});

test('another microphone is taken without negotiating, and the old one is released', async () => {
  const { call, pc, mic, device } = await connected();
  await call.setInput('usb');
  expect(mic.asked.at(-1)?.audio).toMatchObject({ deviceId: { exact: 'usb' } });
  expect(pc().senders[0]?.track).toBe(mic.tracks[1]);
  expect([mic.tracks[0]?.stopped, pc().offers.length]).toEqual([true, 1]);
  await device.audio.setInput('other');
  expect(pc().senders[0]?.track).toBe(mic.tracks[2]);
});

test('a microphone that goes away is replaced, and the user is warned', async () => {
  const { call, pc, mic } = await connected();
  const warned: string[] = [];
  call.on('warning', ({ name }) => warned.push(name));
  mic.tracks[0]?.onended?.();
  await settle();
  expect(warned).toEqual(['input-lost']);
  expect(pc().senders[0]?.track).toBe(mic.tracks[1]);
});

test('a speaker that goes away gives way to the default one', async () => {
  const { call, device, mic, sink } = await connected();
  const warned: string[] = [];
  call.on('warning', ({ name }) => warned.push(name));
  await call.setOutput('headset');
  expect(sink.sinkId).toBe('headset');
  mic.devices = [{ kind: 'audiooutput', deviceId: 'default', label: 'Speaker' }];
  mic.dispatchEvent(new Event('devicechange'));
  await settle();
  expect([sink.sinkId, warned, device.audio.output]).toEqual(['', ['output-lost'], undefined]);
});

test('sound that the browser holds back is a warning', async () => {
  const { call, pc, sink, mic } = await connected();
  const warned: string[] = [];
  call.on('warning', ({ name }) => warned.push(name));
  sink.play = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  pc().ontrack?.({ track: mic.tracks[0]! });
  await settle();
  expect(warned).toEqual(['playback-blocked']);
  expect(call.remoteStream).toBeDefined();
});
