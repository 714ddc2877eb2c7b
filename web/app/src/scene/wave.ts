/**
 * A wave on its way along the string. Each can feeds its own line; what was fed `delay` seconds ago is what the string
 * shows that far from the can. So the outline of the wave *is* the loudness of the last second, travelling. Pure.
 */

const RATE = 120;
const KEPT = 256;

/** Seconds from one can to the other: slow enough to see who speaks. */
export const TRAVEL_S = 0.85;
const RIPPLE_HZ = 4.2;

export class Wave {
  readonly #past = new Float32Array(KEPT);
  #last = 0;
  #loudest = 0;

  /** Tells the wave how loud its can is at `now` seconds; `level` is 0 to 1. */
  feed(level: number, now: number): void {
    const index = Math.floor(now * RATE);
    const from = Math.max(this.#last + 1, index - KEPT + 1);
    for (let i = from; i <= index; i++) this.#past[i % KEPT] = level;
    this.#last = Math.max(this.#last, index);
    this.#loudest = this.#past.reduce((most, one) => Math.max(most, one), 0);
  }

  /** Sideways displacement, -1 to 1, at `distance` (0 = own can, 1 = the other) and time `now`. */
  at(distance: number, now: number): number {
    const sent = now - distance * TRAVEL_S;
    if (sent < 0) return 0;
    const phase = 2 * Math.PI * RIPPLE_HZ * sent;
    return this.loudness(distance, now) * (0.8 * Math.sin(phase) + 0.2 * Math.sin(2.7 * phase));
  }

  loudness(distance: number, now: number): number {
    const index = Math.floor((now - distance * TRAVEL_S) * RATE);
    if (index < 0 || index <= this.#last - KEPT) return 0;
    return this.#past[Math.min(index, this.#last) % KEPT] ?? 0;
  }

  get silent(): boolean {
    return this.#loudest < 0.01;
  }
}

/** The ring: a short knock, twice, then a pause; 0 to 1. Drives the string and the can that rings. */
export function ringBurst(now: number): number {
  const t = now % 2;
  return knock(t - 0.1) + knock(t - 0.55);
}

/** The request on its way: one soft knock a second. */
export function requestBurst(now: number): number {
  return 0.7 * knock((now % 1.1) - 0.1);
}

function knock(t: number): number {
  return t < 0 || t > 0.34 ? 0 : Math.sin((Math.PI * t) / 0.34) ** 2;
}
