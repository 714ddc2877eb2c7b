/** The network between a page and everything else, which can be taken away and given back. */
import type { CDPSession } from 'playwright-core';
import type { Person } from './person.js';

const CLEAR = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
/** Packets between browsers do not know of "offline"; they are lost. */
const GONE = { ...CLEAR, packetLoss: 100 };

/** Must be there before the page makes its first connection: rules bind to a connection when it is made. */
export class Network {
  readonly #cdp: CDPSession;

  private constructor(cdp: CDPSession) {
    this.#cdp = cdp;
  }

  static async of(person: Pick<Person, 'chromium'>): Promise<Network> {
    const { page, context } = person.chromium;
    const network = new Network(await context.newCDPSession(page));
    await network.#cdp.send('Network.enable');
    await network.giveBack();
    return network;
  }

  async takeAway(): Promise<void> {
    await this.#rule(GONE);
  }

  /** Loses so many packets of a hundred, and keeps each for so many milliseconds, on its way out and on its way in. */
  async spoil({ packetLoss = 0, latency = 0 }: { packetLoss?: number; latency?: number }): Promise<void> {
    await this.#rule({ ...CLEAR, latency, packetLoss });
  }

  /** Returns the moment in which it was back, on this machine's clock. */
  async giveBack(): Promise<number> {
    await this.#rule(CLEAR);
    return Date.now();
  }

  async #rule(conditions: typeof CLEAR & { packetLoss?: number }): Promise<void> {
    const rules = { offline: false, matchedNetworkConditions: [{ urlPattern: '', ...conditions }] };
    // Younger than the types of the protocol that we build with.
    await this.#cdp.send('Network.emulateNetworkConditionsByRule' as 'Network.enable', rules as never);
  }
}
