/**
 * Carries out a {@link Tuning} on a peer connection, without negotiating anew, and as far as the browser can.
 *
 * What a browser does not have (RED and `jitterBufferTarget` are not everywhere) is left alone, and is never an error.
 */

import type { Tuning } from './adaptation.js';

/** Younger than the types that we build with. */
type Receiver = RTCRtpReceiver & { jitterBufferTarget?: number | null };

export class Tuner {
  readonly #pc: RTCPeerConnection;
  readonly #sendRed: (on: boolean) => Promise<void>;
  #wanted: Tuning | undefined;
  /** How it is. */
  #red = false;
  #bitrate: number | undefined;
  #bufferMs: number | null = null;
  #isWorking = false;

  constructor(pc: RTCPeerConnection, sendRed: (on: boolean) => Promise<void>) {
    this.#pc = pc;
    this.#sendRed = sendRed;
  }

  apply(tuning: Tuning): void {
    this.#wanted = tuning;
    if (tuning.bufferMs !== this.#bufferMs) this.#buffer((this.#bufferMs = tuning.bufferMs));
    if (!this.#isWorking) void this.#work(tuning);
  }

  /** One change after the other, since a browser refuses parameters that were read before the last change. */
  async #work(first: Tuning): Promise<void> {
    this.#isWorking = true;
    for (let next: Tuning | undefined = first; next; next = this.#wanted === next ? undefined : this.#wanted) {
      if (next.bitrate !== this.#bitrate) {
        // Chromium 156 falls to 6 kbit/s, for good, if parameters are set while it sends RED.
        await this.#switch(false);
        await this.#setBitrate(next.bitrate).catch(() => {}); // the browser goes on as it did
        this.#bitrate = next.bitrate;
      }
      await this.#switch(next.red);
    }
    this.#isWorking = false;
  }

  async #switch(red: boolean): Promise<void> {
    if (red === this.#red) return;
    this.#red = red;
    await this.#sendRed(red);
  }

  async #setBitrate(maxBitrate: number): Promise<void> {
    const sender = this.#pc.getSenders().find(({ track }) => track?.kind === 'audio');
    const parameters = sender?.getParameters();
    if (!sender || !parameters) return;
    for (const encoding of parameters.encodings) Object.assign(encoding, { maxBitrate, networkPriority: 'high' });
    await sender.setParameters(parameters);
  }

  #buffer(ms: number | null): void {
    for (const receiver of this.#pc.getReceivers() as Receiver[]) {
      if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = ms;
    }
  }
}
