/**
 * The numbers of a session: each direction counts its frames from 1, the sender keeps a frame until the other side
 * acknowledged it, the receiver takes every number once and in order.
 *
 * Pure: no socket and no clock. What is sent when is decided in `session.ts`.
 */

import { byteLength } from './ids.js';
import { LIMITS } from './wire.js';
import type { ClientFrame, NumberedFrame } from './wire.js';

/** An acknowledgement is due at every so many frames, however little time has passed. */
export const ACK_EVERY = 16;

export class Window {
  #next = 1;
  #kept: NumberedFrame[] = [];
  #sizes: number[] = [];
  #size = 0;
  #received = 0;
  #acknowledged = 0;

  /** Numbers and keeps a frame; `undefined` if the other side has not acknowledged enough to take more. */
  send(frame: ClientFrame, id?: string): NumberedFrame | undefined {
    const numbered: NumberedFrame = { ...frame, ...(id === undefined ? {} : { id }), seq: this.#next };
    const size = byteLength(JSON.stringify(numbered));
    if (this.#kept.length >= LIMITS.windowFrames || this.#size + size > LIMITS.windowBytes) return undefined;
    this.#next += 1;
    this.#kept.push(numbered);
    this.#sizes.push(size);
    this.#size += size;
    return numbered;
  }

  /** The other side has everything up to and with `seq`. */
  acknowledged(seq: number): void {
    while (this.#kept.length > 0 && this.#kept[0]!.seq <= seq) {
      this.#kept.shift();
      this.#size -= this.#sizes.shift()!;
    }
  }

  /** What was sent and not acknowledged, oldest first. */
  get unacknowledged(): readonly NumberedFrame[] {
    return this.#kept;
  }

  /** A frame arrived: `new` is to be handled, `old` to be ignored, after a `gap` the connection is of no use. */
  take(seq: number): 'new' | 'old' | 'gap' {
    if (seq <= this.#received) return 'old';
    if (seq !== this.#received + 1) return 'gap';
    this.#received = seq;
    return 'new';
  }

  /** The number to acknowledge: everything up to it arrived. Taking it for sending counts as having sent it. */
  ack(): number {
    this.#acknowledged = this.#received;
    return this.#received;
  }

  /** The same number, for looking at. */
  get received(): number {
    return this.#received;
  }

  /** How many frames arrived that were not acknowledged. */
  get ackOwed(): number {
    return this.#received - this.#acknowledged;
  }

  /** Starts both directions at 1 again, and returns what had not been acknowledged. */
  restart(): readonly NumberedFrame[] {
    const left = this.#kept;
    this.#next = 1;
    this.#kept = [];
    this.#sizes = [];
    this.#size = 0;
    this.#received = 0;
    this.#acknowledged = 0;
    return left;
  }
}
