/** Waiting, always for something and never for just a while. */

const EVERY_MS = 40;

/**
 * Asks again and again until the answer is truthy, and returns it. Fails after `within` milliseconds, saying what did
 * not happen and what the last answer was.
 */
export async function until<T>(what: string, ask: () => T | Promise<T>, within = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + within;
  let last: T;
  for (;;) {
    last = await ask();
    if (last) return last;
    if (Date.now() >= deadline) throw new Error(`within ${within} ms, this did not happen: ${what} (last: ${JSON.stringify(last)})`);
    await pause(EVERY_MS);
  }
}

/** The same, for several facts that are to be seen at once: `seen` must hold of what `look` returns. */
export async function untilSeen<T>(what: string, look: () => Promise<T>, seen: (now: T) => boolean, within = 10_000): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    const now = await look();
    if (seen(now)) return now;
    if (Date.now() >= deadline) throw new Error(`within ${within} ms, this was not seen: ${what}; last seen: ${JSON.stringify(now)}`);
    await pause(EVERY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
