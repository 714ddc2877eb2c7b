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
  readonly #sendRed: (on: boolean) => void;
  #bitrate: number | undefined;
  #bufferMs: number | null = null;
  #isSetting = false;

  constructor(pc: RTCPeerConnection, sendRed: (on: boolean) => void) {
    this.#pc = pc;
    this.#sendRed = sendRed;
  }

  apply({ red, bitrate, bufferMs }: Tuning): void {
    this.#sendRed(red);
    if (bufferMs !== this.#bufferMs) this.#buffer((this.#bufferMs = bufferMs));
    if (bitrate === this.#bitrate) return;
    this.#bitrate = bitrate;
    if (!this.#isSetting) void this.#set();
  }

  /** One change at a time: a browser refuses parameters that were read before the last change. */
  async #set(): Promise<void> {
    this.#isSetting = true;
    let done: number | undefined;
    while (this.#bitrate !== undefined && this.#bitrate !== done) {
      done = this.#bitrate;
      await this.#setBitrate(done).catch(() => {}); // the browser goes on as it did
    }
    this.#isSetting = false;
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
