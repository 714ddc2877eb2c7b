/**
 * The configuration of one call's peer connection: the ICE servers it begins with, fresh ones for each restart, and whether
 * it hides addresses.
 *
 * A relay's credentials are short-lived and the network may be another one than before, so a restart asks again. It waits
 * only a moment for that: with the servers of before it mostly works as well, and the sound is gone meanwhile.
 *
 * Not here: asking (`ice-servers.ts`), who restarts and when (`leg.ts`), the text of descriptions (`sdp.ts`).
 */

import type { IceSetup } from './ice-servers.js';

/** How long a restart waits for fresh ICE servers. */
const REFRESH_MS = 1_000;

/** Asks for servers. Never rejects; `undefined` without an answer in time. */
export type AskIce = (withinMs?: number) => Promise<IceSetup | undefined>;

export class IceConfig {
  readonly #ask: AskIce;
  #first: Promise<IceSetup | undefined>;
  #setup: IceSetup;

  /** Asks at once, so that the servers are here when the call needs them. `relayOnly` holds without an answer, too. */
  constructor(ask: AskIce, relayOnly: boolean) {
    this.#ask = ask;
    this.#setup = { servers: [], relayOnly };
    this.#first = ask();
  }

  /** Whether no description and no candidate may tell an address of ours. */
  get hidesAddresses(): boolean {
    return this.#setup.relayOnly;
  }

  /** The call goes by another id, and credentials are made for one: asks again. */
  renew(): void {
    this.#first = this.#ask();
  }

  /** What the peer connection is made with. */
  async first(): Promise<RTCConfiguration> {
    this.#setup = (await this.#latest()) ?? this.#setup;
    return this.#configuration();
  }

  /** Gives `pc` fresh servers, which it uses when it gathers next. Never rejects, and never takes much more than a second. */
  async refresh(pc: RTCPeerConnection): Promise<void> {
    const fresh = await this.#ask(REFRESH_MS);
    if (!fresh) return;
    const before = this.#setup;
    // What was hidden once stays hidden.
    this.#setup = { ...fresh, relayOnly: fresh.relayOnly || before.relayOnly };
    try {
      pc.setConfiguration(this.#configuration());
    } catch {
      // Closed meanwhile, or not a list of servers: the old ones go on.
      this.#setup = before;
    }
  }

  /** The answer to the last question, also if it was asked anew while the one before was awaited. */
  async #latest(): Promise<IceSetup | undefined> {
    const asked = this.#first;
    const setup = await asked;
    return asked === this.#first ? setup : this.#latest();
  }

  #configuration(): RTCConfiguration {
    const { servers, relayOnly } = this.#setup;
    return { iceServers: servers, bundlePolicy: 'max-bundle', iceTransportPolicy: relayOnly ? 'relay' : 'all' };
  }
}
