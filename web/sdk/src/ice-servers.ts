/** Asks the server for ICE servers. Without an answer in time a call starts with none: on many networks that works. */

import type { ClientFrame } from './wire.js';

const TIMEOUT_MS = 10_000;

export class IceServers {
  readonly #send: (frame: ClientFrame) => string | undefined;
  readonly #waiting = new Map<string, (servers: RTCIceServer[]) => void>();

  constructor(send: (frame: ClientFrame) => string | undefined) {
    this.#send = send;
  }

  /** Never rejects. Credentials in the answer are short-lived: ask for each call. */
  get(): Promise<RTCIceServer[]> {
    const id = this.#send({ type: 'ice-servers-request' });
    if (id === undefined) return Promise.resolve([]);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(id, []), TIMEOUT_MS);
      this.#waiting.set(id, (servers) => {
        clearTimeout(timer);
        resolve(servers);
      });
    });
  }

  /** The answer to the request named `re`, or none after an error. Returns whether it was awaited. */
  answer(re: string | undefined, servers: RTCIceServer[]): boolean {
    const resolve = this.#waiting.get(re ?? '');
    this.#waiting.delete(re ?? '');
    resolve?.(servers);
    return resolve !== undefined;
  }

  /** Answers everybody who waits with none. */
  stop(): void {
    for (const id of [...this.#waiting.keys()]) this.answer(id, []);
  }
}
