/** Gathers our ICE candidates into few frames: at most 8 in one, none later than 30 ms, at once when gathering is done. */

import type { WireCandidate } from './wire.js';

const BATCH = 8;
const WAIT_MS = 30;

export class Trickle {
  readonly #send: (batch: (WireCandidate | null)[]) => void;
  #batch: (WireCandidate | null)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (batch: (WireCandidate | null)[]) => void) {
    this.#send = send;
  }

  /** A candidate was found; `null` when there are no more. */
  add(candidate: WireCandidate | null): void {
    this.#batch.push(candidate);
    if (candidate === null || this.#batch.length >= BATCH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS);
  }

  flush(): void {
    this.stop();
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#send(batch);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
