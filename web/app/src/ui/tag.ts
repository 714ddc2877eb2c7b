/**
 * The paper tag that hangs from the middle of the string while two people talk: for how long, and by which path.
 */
import type { Path } from '@tincan/sdk';
import type { Point } from '../scene/string.js';
import { clock, PATH } from '../words.js';
import { element, say } from './dom.js';

export class Tag {
  readonly #tag = element('tag');
  readonly #timer = element('timer', HTMLTimeElement);
  #since: () => number | undefined = () => undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.path('unknown');
  }

  /** `since` tells when the sound began to flow: it may be known only a moment after the call is connected. */
  show(shown: boolean, since: () => number | undefined): void {
    if (shown === (this.#ticking !== undefined)) return;
    this.#tag.dataset['shown'] = String(shown);
    if (shown) this.#start(since);
    else this.#stop();
  }

  path(path: Path): void {
    const line = element('path');
    say(line, PATH[path]);
    line.dataset['path'] = path;
  }

  /** Follows the string. A transform set from script: the page's policy allows no style attributes. */
  hang({ x, y }: Point): void {
    this.#tag.style.setProperty('transform', `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`);
  }

  #start(since: () => number | undefined): void {
    this.path('unknown');
    this.#since = since;
    this.#tick();
    this.#ticking = setInterval(() => this.#tick(), 250);
  }

  #stop(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #tick(): void {
    const since = this.#since();
    const ms = since === undefined ? 0 : Math.max(0, Date.now() - since);
    say(this.#timer, clock(ms));
    this.#timer.dateTime = `PT${Math.floor(ms / 1000)}S`;
  }
}
