/**
 * Typed events: `on(event, listener)` returns the function that removes the listener again.
 *
 * A listener that throws never stops the others; its error goes to `reportError`, where an uncaught one would go.
 */

import type { ListenOptions, Unsubscribe } from './types.js';

type Listener<T> = (value: T) => void;

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls `listener` on each `event` until the returned function is called or `signal` is aborted. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>, options: ListenOptions = {}): Unsubscribe {
    const { signal } = options;
    if (signal?.aborted) return () => {};
    // Wrapped, so that one function registered twice is two listeners.
    const entry: Listener<Events[K]> = (value) => listener(value);
    let set = this.#listeners.get(event);
    if (!set) this.#listeners.set(event, (set = new Set()));
    set.add(entry);
    this.listenersChanged(event);
    const off = () => {
      signal?.removeEventListener('abort', off);
      if (this.#listeners.get(event)?.delete(entry)) this.listenersChanged(event);
    };
    signal?.addEventListener('abort', off, { once: true });
    return off;
  }

  /** Like `on`, for one event only. */
  once<K extends keyof Events>(event: K, listener: Listener<Events[K]>, options: ListenOptions = {}): Unsubscribe {
    const off = this.on(
      event,
      (value) => {
        off();
        listener(value);
      },
      options,
    );
    return off;
  }

  /** @internal */
  emit<K extends keyof Events>(event: K, ...[value]: Events[K] extends void ? [] : [Events[K]]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(value as Events[K]);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** How many listen to `event`. */
  protected listenerCount(event: keyof Events): number {
    return this.#listeners.get(event)?.size ?? 0;
  }

  /** Called after a listener of `event` came or went, for events that cost something to produce. */
  protected listenersChanged(_event: keyof Events): void {}

  protected removeAllListeners(): void {
    this.#listeners.clear();
  }
}
