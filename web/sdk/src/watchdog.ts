/**
 * Watches whether sound arrives, and says when to look for a new path.
 *
 * `iceConnectionState` is of no use for that: Chromium may stay `disconnected` for good, and `connectionState` takes
 * some 18 s to become `failed`. So packets are counted twice a second. After 1.5 s of silence the call is reconnecting and
 * ICE is restarted; again 1, 2, 4, 8, 8 … s later while the server can be reached; at once when a connection with sound fails,
 * the network changes, or the server comes back. After 45 s there is nothing more to hope for.
 *
 * A loss that only the other side notices is told to `missed()`, and answered by a restart each time it is told. It has
 * no pace of its own: the other side's watchdog keeps it.
 *
 * Time in which the page did not run (a closed lid) does not count.
 */

import { Progress } from './progress.js';

const TICK_MS = 500;
/**
 * A path that works is not silent for so long. With both microphones muted (DTX) and 30 % of the packets lost each way, the
 * longest pause in a minute and a half was 0.9 s in Chromium and in Firefox; at 45 % it was 1.0 s in Chromium and 3.9 s in
 * Firefox. A restart for nothing costs a few frames of signaling and disturbs no sound.
 */
const SILENCE_MS = 1_500;
/** After a hint that the network changed, this much silence is enough. */
const SUSPICIOUS_SILENCE_MS = 1_000;
const SUSPICION_MS = 4_000;
/** Pauses between one restart and the next while sound is gone; the last one repeats. */
const RESTART_PAUSES_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 8_000];
const GIVE_UP_MS = 45_000;
/** Hints come in bunches; one restart answers all of them. */
const BUNCH_MS = 500;
/** The most that one tick counts, however late it is. */
const TICK_MAX_MS = 1_000;

interface WatchdogOptions {
  stats: () => Promise<Iterable<[string, unknown]>>;
  /** Whether what a restart sends would reach the server now. */
  canRestart: () => boolean;
  restart: () => void;
  onLost: (cause: 'silence' | 'failed') => void;
  onBack: (afterMs: number) => void;
  onGiveUp: () => void;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #progress = new Progress();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #tickedAt = 0;
  #silentMs = 0;
  /** Until when little silence is enough. */
  #suspiciousUntil = 0;
  /** How long sound has been gone; `undefined` while it is there. */
  #lostMs: number | undefined;
  /** Whether the other side misses our sound. */
  #isMissed = false;
  #restarts = 0;
  #nextRestartMs = 0;
  #restartedAt = -Infinity;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Sound is there for the first time. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tickedAt = performance.now();
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /**
   * The browser itself gave the connection up. While sound is gone that says nothing new: what can be tried before the other
   * side's relay is there may fail at once, and a restart would throw it away.
   */
  failed(): void {
    if (this.#running && this.#lostMs === undefined) this.#lose('failed');
  }

  /** The server can be reached again. */
  signalingBack(): void {
    if (this.#running && (this.#lostMs !== undefined || this.#isMissed)) this.#restart();
  }

  /** The other side misses our sound, or has it again. */
  missed(isMissed: boolean): void {
    this.#isMissed = isMissed;
    if (this.#running && isMissed) this.#restart();
  }

  /** The network may have changed: if sound stops now, it is not waited for as long. */
  networkChanged(): void {
    this.signalingBack();
    this.#suspiciousUntil = performance.now() + SUSPICION_MS;
  }

  #arm(): void {
    this.#timer = setTimeout(() => void this.#tick(), TICK_MS);
  }

  async #tick(): Promise<void> {
    let moved = { sound: false, path: false };
    try {
      moved = this.#progress.read(await this.#options.stats());
    } catch {
      // Closed under our feet, or refused: as good as silence.
    }
    if (!this.#running) return;
    const now = performance.now();
    const elapsed = Math.min(now - this.#tickedAt, TICK_MAX_MS);
    this.#tickedAt = now;
    if (this.#lostMs === undefined) this.#whileThere(moved.path, elapsed, now);
    else this.#whileLost(this.#lostMs + elapsed, moved.sound);
    if (this.#running) this.#arm();
  }

  #whileThere(moved: boolean, elapsed: number, now: number): void {
    this.#silentMs = moved ? 0 : this.#silentMs + elapsed;
    const enough = now < this.#suspiciousUntil ? SUSPICIOUS_SILENCE_MS : SILENCE_MS;
    if (this.#silentMs >= enough) this.#lose('silence');
  }

  #whileLost(lostMs: number, sound: boolean): void {
    this.#lostMs = lostMs;
    if (sound) {
      this.#lostMs = undefined;
      this.#silentMs = 0;
      this.#options.onBack(lostMs);
    } else if (lostMs >= GIVE_UP_MS) {
      this.stop();
      this.#options.onGiveUp();
    } else if (lostMs >= this.#nextRestartMs) {
      this.#restart();
    }
  }

  #lose(cause: 'silence' | 'failed'): void {
    this.#lostMs = 0;
    this.#restarts = 0;
    this.#nextRestartMs = 0;
    this.#options.onLost(cause);
    this.#restart();
  }

  #restart(): void {
    const now = performance.now();
    // Without the server an offer would only grow old; signalingBack() comes when the server does.
    if (!this.#options.canRestart() || now - this.#restartedAt < BUNCH_MS) return;
    this.#restartedAt = now;
    const pause = RESTART_PAUSES_MS[Math.min(this.#restarts, RESTART_PAUSES_MS.length - 1)]!;
    this.#restarts += 1;
    this.#nextRestartMs = (this.#lostMs ?? 0) + pause;
    this.#options.restart();
  }
}
