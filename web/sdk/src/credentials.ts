/** Who we say we are in `hello`: a guest name, or a token that is kept until it ends soon or is refused. */

import { CallError } from './errors.js';
import type { DeviceOptions, TokenRequest } from './types.js';

/** A token that ends within this time is not used for a new connection. */
const SPARE_MS = 30_000;

export class Credentials {
  readonly #options: Pick<DeviceOptions, 'token' | 'guest'>;
  #token: string | undefined;
  #next: TokenRequest['reason'] = 'start';

  constructor(options: Pick<DeviceOptions, 'token' | 'guest'>) {
    this.#options = options;
  }

  /** For the next `hello`. Rejects with `token-unavailable`. */
  async get(): Promise<{ token: string } | { guest: string }> {
    const { token: provider, guest } = this.#options;
    if (!provider) {
      if (guest === undefined) throw new CallError('bad-argument', { detail: 'neither token nor guest is given' });
      return { guest };
    }
    if (this.#token !== undefined && endsWithin(this.#token, SPARE_MS)) {
      this.#token = undefined;
      this.#next = 'expiring';
    }
    if (this.#token === undefined) {
      const reason = this.#next;
      try {
        this.#token = await provider({ reason });
      } catch (cause) {
        throw new CallError('token-unavailable', { cause });
      }
      this.#next = 'expiring';
    }
    return { token: this.#token };
  }

  /** The server refused them. Returns whether there is any use in trying again with new ones. */
  refused(): boolean {
    this.#token = undefined;
    this.#next = 'rejected';
    return this.#options.token !== undefined;
  }
}

/** Whether a JWT ends within `ms`. One without a readable end is left to the server to judge. */
function endsWithin(token: string, ms: number): boolean {
  try {
    const payload = token.split('.')[1] ?? '';
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown };
    return typeof exp === 'number' && exp * 1000 - Date.now() < ms;
  } catch {
    return false;
  }
}
