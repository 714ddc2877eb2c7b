/** Small tasks for after the end of something: each runs after its time, or at once when the device is destroyed. */
export class Later {
  readonly #tasks = new Map<string, { timer: ReturnType<typeof setTimeout>; task: () => void }>();
  #names = 0;

  /** Runs `task` in `ms` milliseconds, unless it is cancelled by its name. */
  run(ms: number, task: () => void, name = `#${(this.#names += 1)}`): void {
    this.cancel(name);
    const timer = setTimeout(() => {
      this.#tasks.delete(name);
      task();
    }, ms);
    this.#tasks.set(name, { timer, task });
  }

  cancel(name: string): void {
    clearTimeout(this.#tasks.get(name)?.timer);
    this.#tasks.delete(name);
  }

  /** Runs everything now. */
  finish(): void {
    for (const [name, { task }] of [...this.#tasks]) {
      this.cancel(name);
      task();
    }
  }
}
