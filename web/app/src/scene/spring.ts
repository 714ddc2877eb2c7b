/**
 * Damped springs that move a set of named numbers towards targets. Pure: the time step is an input.
 */

/** How lively a number moves: `stiffness` in 1/s², `damping` as a share of critical (1 = no overshoot). */
export interface Feel {
  readonly stiffness: number;
  readonly damping: number;
}

const REST = 1e-3;
const MAX_STEP_S = 1 / 120;

export class Springs<K extends string> {
  readonly value: Record<K, number>;
  readonly #velocity: Record<K, number>;
  readonly #target: Record<K, number>;
  readonly #feel: Record<K, Feel>;

  constructor(start: Record<K, number>, feel: Record<K, Feel>) {
    this.value = { ...start };
    this.#target = { ...start };
    this.#velocity = { ...start };
    for (const key of this.#keys()) this.#velocity[key] = 0;
    this.#feel = feel;
  }

  aim(target: Partial<Record<K, number>>): void {
    Object.assign(this.#target, target);
  }

  /** Arrives at once: for reduced motion, and for the first frame. */
  jump(): void {
    for (const key of this.#keys()) {
      this.value[key] = this.#target[key];
      this.#velocity[key] = 0;
    }
  }

  /** Moves on by `dt` seconds; true while anything is still moving. */
  step(dt: number): boolean {
    let moving = false;
    // Small fixed steps keep a stiff spring stable after a long pause between frames.
    for (let left = Math.min(dt, 0.1); left > 1e-6; left -= MAX_STEP_S) {
      moving = this.#stepOnce(Math.min(left, MAX_STEP_S)) || moving;
    }
    return moving;
  }

  #stepOnce(dt: number): boolean {
    let moving = false;
    for (const key of this.#keys()) {
      const { stiffness, damping } = this.#feel[key];
      const pull = (this.#target[key] - this.value[key]) * stiffness;
      const drag = this.#velocity[key] * 2 * damping * Math.sqrt(stiffness);
      this.#velocity[key] += (pull - drag) * dt;
      this.value[key] += this.#velocity[key] * dt;
      if (Math.abs(this.#velocity[key]) > REST || Math.abs(this.#target[key] - this.value[key]) > REST) moving = true;
    }
    return moving;
  }

  #keys(): K[] {
    return Object.keys(this.value) as K[];
  }
}
