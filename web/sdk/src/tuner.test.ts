import { expect, test } from 'vitest';
import { Tuner } from './tuner.js';

interface Parameters {
  encodings: { maxBitrate?: number; networkPriority?: string }[];
}

/** A connection whose browser takes its time to set parameters, and refuses them if they are not the latest. */
function make(receiver: object = { jitterBufferTarget: null }) {
  const set: Parameters[] = [];
  const finish: (() => void)[] = [];
  let version = 0;
  const sender = {
    track: { kind: 'audio' },
    getParameters: () => ({ version, encodings: [{}] }),
    setParameters: async (parameters: Parameters & { version: number }) => {
      if (parameters.version !== version) throw new DOMException('', 'InvalidStateError');
      await new Promise<void>((resolve) => finish.push(resolve));
      version += 1;
      set.push(parameters);
      done.push(`${parameters.encodings[0]?.maxBitrate}`);
    },
  };
  const done: string[] = [];
  const pc = { getSenders: () => [sender], getReceivers: () => [receiver] };
  const tuner = new Tuner(pc as unknown as RTCPeerConnection, async (on) => void done.push(on ? 'red' : 'plain'));
  const settled = async () => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    finish.shift()?.();
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
  };
  return { tuner, set, done, receiver, settled, sender };
}

const plain = { red: false, bitrate: 32_000, bufferMs: null };

test('the bitrate is set once for each change, with priority on the network', async () => {
  const { tuner, set, settled } = make();
  for (let i = 0; i < 3; i += 1) tuner.apply(plain);
  await settled();
  await settled();
  expect(set.map(({ encodings }) => encodings)).toEqual([[{ maxBitrate: 32_000, networkPriority: 'high' }]]);
});

test('changes that come while one is being made are made after it, and only the last of them', async () => {
  const { tuner, set, settled } = make();
  for (const bitrate of [32_000, 24_000, 16_000]) tuner.apply({ ...plain, bitrate });
  await settled();
  await settled();
  expect(set.map(({ encodings }) => encodings[0]?.maxBitrate)).toEqual([32_000, 16_000]);
});

test('the bitrate is never set while RED is sent', async () => {
  const { tuner, done, settled } = make();
  tuner.apply(plain);
  await settled();
  tuner.apply({ ...plain, red: true });
  await settled();
  tuner.apply({ ...plain, red: true, bitrate: 24_000 });
  await settled();
  tuner.apply({ ...plain, bitrate: 24_000 });
  await settled();
  expect(done).toEqual(['32000', 'red', 'plain', '24000', 'red', 'plain']);
});

test('a longer buffer is set and released, where the browser has one to set', () => {
  const { tuner, receiver } = make();
  tuner.apply({ ...plain, bufferMs: 100 });
  expect(receiver).toEqual({ jitterBufferTarget: 100 });
  tuner.apply(plain);
  expect(receiver).toEqual({ jitterBufferTarget: null });
  const old = make({});
  old.tuner.apply({ ...plain, bufferMs: 100 });
  expect(old.receiver).toEqual({});
});

test('a browser that refuses parameters is left alone, and asked again at the next change', async () => {
  const { tuner, set, settled, sender } = make();
  const { setParameters } = sender;
  sender.setParameters = async () => Promise.reject(new DOMException('', 'InvalidModificationError'));
  tuner.apply(plain);
  await settled();
  sender.setParameters = setParameters;
  tuner.apply({ ...plain, bitrate: 16_000 });
  await settled();
  expect(set.map(({ encodings }) => encodings[0]?.maxBitrate)).toEqual([16_000]);
});
