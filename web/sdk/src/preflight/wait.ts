/** Waiting that always ends: with what was waited for, when its time is over, or when the preflight is stopped. */

import { CallError } from '../errors.js';

/**
 * Resolves with what `begin` gives to its argument, or with `otherwise` after `ms`. Rejects with `aborted` as soon as
 * `signal` is aborted. No timer or listener remains.
 */
export function waitFor<T>(
  signal: AbortSignal,
  ms: number,
  otherwise: T,
  begin: (done: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CallError('aborted'));
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = () => (end(), reject(new CallError('aborted')));
    const done = (value: T) => (end(), resolve(value));
    const timer = setTimeout(() => done(otherwise), ms);
    signal.addEventListener('abort', onAbort);
    begin(done);
  });
}

export function pause(signal: AbortSignal, ms: number): Promise<void> {
  return waitFor<void>(signal, ms, undefined, () => {});
}

/**
 * As `promise`, but rejects with `aborted` as soon as `signal` is aborted. What arrives too late is given to `late`, so
 * that it can be released.
 */
export function orAborted<T>(
  signal: AbortSignal,
  promise: Promise<T>,
  late: (value: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new CallError('aborted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise
      .then((value) => (signal.aborted ? late(value) : resolve(value)), reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
