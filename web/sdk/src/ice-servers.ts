/** Asks the server for the ICE servers of a call. Without an answer in time there are none: on many networks that works. */

import type { ClientFrame, IceServersResponse } from './wire.js';

const TIMEOUT_MS = 10_000;

/** What a call's connections are made with. */
export interface IceSetup {
  servers: RTCIceServer[];
  /** Only candidates of a relay are used, and no address is told. */
  relayOnly: boolean;
}

/** Which servers are wanted. */
interface IceQuestion {
  call: string;
  relayOnly: boolean;
  /** How long the answer is waited for; 10 s unless given. */
  withinMs?: number | undefined;
}

type Answer = (setup: IceSetup | undefined) => void;

export class IceServers {
  readonly #send: (frame: ClientFrame) => string | undefined;
  readonly #waiting = new Map<string, Answer>();

  constructor(send: (frame: ClientFrame) => string | undefined) {
    this.#send = send;
  }

  /** Never rejects; `undefined` without an answer. Credentials in it are short-lived and end with the call. */
  get({ call, relayOnly, withinMs = TIMEOUT_MS }: IceQuestion): Promise<IceSetup | undefined> {
    const id = this.#send({ type: 'ice-servers-request', call, ...(relayOnly && { data: { relay_only: true } }) });
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(id, undefined), withinMs);
      this.#waiting.set(id, (setup) => {
        clearTimeout(timer);
        resolve(setup && { ...setup, relayOnly: setup.relayOnly || relayOnly });
      });
    });
  }

  /** The answer to the request named `re`, or none after an error. Returns whether it was awaited. */
  answer(re: string | undefined, response: IceServersResponse | undefined): boolean {
    const resolve = this.#waiting.get(re ?? '');
    this.#waiting.delete(re ?? '');
    // A server of before relays has no word of `relay_only`.
    resolve?.(response && { servers: response.iceServers, relayOnly: response.relay_only ?? false });
    return resolve !== undefined;
  }

  /** Tells everybody who waits that there is no answer. */
  stop(): void {
    for (const id of [...this.#waiting.keys()]) this.answer(id, undefined);
  }
}
