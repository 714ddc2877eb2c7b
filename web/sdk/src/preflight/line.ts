/**
 * One connection to the server, for questions: no session, no reconnecting, nothing is sent again.
 *
 * A preflight wants to see what a session hides: each refusal, and how long everything takes.
 */

import type { ArrivingFrame, ClientConnectionFrame, NumberedFrame, WireErrorCode } from '../wire.js';
import { CLOSE } from '../wire.js';
import { waitFor } from './wait.js';

type FrameType = ArrivingFrame['type'];
type FrameOf<T extends FrameType> = Extract<ArrivingFrame, { type: T }>;
type Sent = ClientConnectionFrame | Omit<NumberedFrame, 'ack'>;

/** How long each step may take. */
const PATIENCE_MS = 10_000;

export class Line {
  readonly #socket: WebSocket;
  readonly #signal: AbortSignal;
  #heard: ((frame: ArrivingFrame | undefined) => void) | undefined;
  #onOpen: (() => void) | undefined;
  #closedWith: number | undefined;
  #error: WireErrorCode | undefined;

  constructor(socket: WebSocket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.onopen = () => this.#onOpen?.();
    socket.onmessage = (event: MessageEvent) => this.#read(String(event.data));
    // An error is always followed by a close, which says more.
    socket.onclose = (event: CloseEvent) => {
      this.#closedWith = event.code;
      this.#onOpen?.();
      this.#heard?.(undefined);
    };
  }

  /** The code with which the server closed it. */
  get closedWith(): number | undefined {
    return this.#closedWith;
  }

  /** The code of the latest `error` frame. It comes before the close, and says more. */
  get error(): WireErrorCode | undefined {
    return this.#error;
  }

  /** Waits until it is open. Returns whether it is. */
  opened(): Promise<boolean> {
    return waitFor(this.#signal, PATIENCE_MS, false, (done) => {
      this.#onOpen = () => done(this.#closedWith === undefined);
    });
  }

  /** Sends a frame and returns the next one of the wanted type; `undefined` after an error, a close, or 10 s. */
  ask<T extends FrameType>(frame: Sent, wanted: T): Promise<FrameOf<T> | undefined> {
    return waitFor<FrameOf<T> | undefined>(this.#signal, PATIENCE_MS, undefined, (done) => {
      this.#heard = (heard) => {
        if (heard?.type === 'error') this.#error = heard.data.code;
        if (heard === undefined || heard.type === 'error') done(undefined);
        else if (heard.type === wanted) done(heard as FrameOf<T>);
      };
      if (this.#closedWith === undefined) this.#socket.send(JSON.stringify(frame));
      else done(undefined);
    });
  }

  /** Ends it; the server forgets it at once. */
  close(): void {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (this.#closedWith === undefined) socket.close(CLOSE.normal);
  }

  #read(text: string): void {
    try {
      this.#heard?.(JSON.parse(text) as ArrivingFrame);
    } catch {
      // Not for us: a server that speaks another version.
    }
  }
}
