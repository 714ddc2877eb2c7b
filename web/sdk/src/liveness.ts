/**
 * Whether the connection is still alive: asks when nothing was heard for a while, and gives up when nothing comes back.
 *
 * The server's own pings are invisible to a page, so a quiet connection is asked about every 20 s.
 */

/** Nothing was heard for so long: ask. */
const QUIET_MS = 20_000;
/** Nothing came back for so long: dead. */
const DEAD_MS = 10_000;
/** The same after the network changed, when death is likely. */
const PROBE_MS = 3_000;
/** A timer that fires later than this shows that the page was frozen: what came meanwhile has yet to be read. */
const LATE_MS = 2_000;

export class Liveness {
  readonly #ask: () => void;
  readonly #dead: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #answered = false;

  constructor(ask: () => void, dead: () => void) {
    this.#ask = ask;
    this.#dead = dead;
  }

  start(): void {
    this.#heardAt = performance.now();
    this.#watch(QUIET_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Something arrived. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#answered = true;
  }

  /** Asks now, and waits for less time than usual. */
  probe(): void {
    this.#await(PROBE_MS);
  }

  #watch(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const left = QUIET_MS - (performance.now() - this.#heardAt);
      if (left > 0) this.#watch(left);
      else this.#await(DEAD_MS);
    }, inMs);
  }

  #await(ms: number): void {
    clearTimeout(this.#timer);
    const askedAt = performance.now();
    this.#answered = false;
    this.#ask();
    this.#timer = setTimeout(() => {
      if (this.#answered) this.#watch(QUIET_MS - (performance.now() - this.#heardAt));
      else if (performance.now() - askedAt > ms + LATE_MS) this.#await(ms);
      else this.#dead();
    }, ms);
  }
}
