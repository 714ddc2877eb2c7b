/** Sends what a call would send through a loop, as far as the network sees it, and notes what arrives and what comes back. */

import type { Loop } from './loop.js';
import type { Packet } from './passage.js';
import { pause, waitFor } from './wait.js';

/** A packet each 20 ms, with as many bytes as 20 ms of Opus at 32 kbit/s and its headers. */
const EVERY_MS = 20;
const BYTES = 100;
/** How long what is on its way may take after the last packet was sent. */
const LAST_ONES_MS = 1_500;
/** So much may wait in the browser; more would be a queue that no sound has. */
const QUEUE_BYTES = 10 * BYTES;

/** Sends for `ms`, and returns what became of each packet; `undefined` if the loop broke. */
export async function stream({ near, far }: Loop, ms: number, signal: AbortSignal): Promise<Packet[] | undefined> {
  const packets: Packet[] = [];
  let allBack: () => void = () => {};
  far.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const packet = packets[numberIn(data)];
    if (packet) packet.arrivedAt ??= performance.now();
    if (far.readyState === 'open') far.send(data);
  };
  near.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const packet = packets[numberIn(data)];
    if (packet) packet.backAt ??= performance.now();
    if (packets.every(({ backAt }) => backAt !== undefined)) allBack();
  };
  const began = performance.now();
  let due = began;
  while (due < began + ms) {
    if (near.readyState !== 'open') return undefined;
    if (near.bufferedAmount <= QUEUE_BYTES) send(near, packets);
    // A page in the background wakes once a second: what was missed is left out and not made up for in a burst.
    due = Math.max(due + EVERY_MS, performance.now());
    await pause(signal, due - performance.now());
  }
  await waitFor<void>(signal, LAST_ONES_MS, undefined, (done) => {
    allBack = done;
    if (packets.every(({ backAt }) => backAt !== undefined)) done();
  });
  return packets;
}

function send(channel: RTCDataChannel, packets: Packet[]): void {
  const bytes = new DataView(new ArrayBuffer(BYTES));
  bytes.setUint32(0, packets.length);
  packets.push({ sentAt: performance.now() });
  channel.send(bytes.buffer as ArrayBuffer);
}

function numberIn(bytes: ArrayBuffer): number {
  return bytes.byteLength < 4 ? -1 : new DataView(bytes).getUint32(0);
}
