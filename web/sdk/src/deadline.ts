/** How long a call waits for what, and the one timer that it waits with. */

/** How long a request or an accept waits for a server that cannot be reached, or an accept for its confirmation. */
export const WORD_MS = 15_000;
/** A server that has the request says something when the time to reach a device is over, which is 60 s at most. */
export const REACH_MS = 75_000;
/** The server ends a call without sound 20 s after the accept; a little later we do, in case it is gone. */
export const SETUP_MS = 25_000;
/** A call that nobody accepted does not outlive the server's absence for longer. */
export const ALONE_MS = 45_000;
/** How much longer than told an incoming call rings, since the server's own end is on its way. */
export const RING_GRACE_MS = 1_000;

/** What happens to a call if nothing else does. There is one deadline at a time: a later one takes the place of it. */
export class Deadline {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #awaySince: number | undefined;

  set(ms: number, task: () => void): void {
    this.clear();
    this.#timer = setTimeout(task, ms);
  }

  /** The same, where `ms` counts from when the server went away: every failed attempt to reconnect says so again. */
  setWhileAway(ms: number, task: () => void): void {
    this.#awaySince ??= Date.now();
    this.set(ms - (Date.now() - this.#awaySince), task);
  }

  /** The server can be reached: its next absence counts from its own beginning. */
  serverIsBack(): void {
    this.#awaySince = undefined;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
