/**
 * Four bars beside the word Connected, and behind them a card of figures. Both show what the SDK says; the figures are read
 * each second, and only while somebody looks at them.
 */
import type { Quality } from '@tincan/sdk';
import type { View } from '../model.js';
import { FIGURES, QUALITY } from '../words.js';
import { element, say, show } from './dom.js';

const EVERY_MS = 1000;

export class QualityMark {
  readonly #button = element('quality', HTMLButtonElement);
  readonly #card = element('quality-card');
  readonly #read: () => Quality | undefined;
  #peer = '';
  #ticking: ReturnType<typeof setInterval> | undefined;

  /** `read` tells how the call is just now. */
  constructor(read: () => Quality | undefined) {
    this.#read = read;
    this.#card.addEventListener('toggle', (event) => this.#opened((event as ToggleEvent).newState === 'open'));
  }

  /** Whether the focus is here, and would be lost with the bars. */
  get hasFocus(): boolean {
    const at = document.activeElement;
    return this.#button.contains(at) || this.#card.contains(at);
  }

  show({ quality, callState }: View, peer: string): void {
    this.#peer = peer;
    const shown = quality !== undefined && callState === 'connected';
    if (!shown && this.#card.matches(':popover-open')) this.#card.hidePopover();
    show(this.#button, shown);
    if (!quality) return;
    Object.assign(this.#button.dataset, { bars: String(quality.bars), path: quality.path });
    this.#button.setAttribute('aria-label', QUALITY.label(quality.bars));
  }

  #opened(open: boolean): void {
    clearInterval(this.#ticking);
    if (!open) return;
    this.#tick();
    this.#ticking = setInterval(() => this.#tick(), EVERY_MS);
  }

  #tick(): void {
    const now = this.#read();
    if (!now) return;
    say(element('quality-verdict'), QUALITY.verdict(now));
    say(element('quality-peer'), this.#peer);
    for (const [id, figure] of Object.entries(FIGURES)) say(element(`quality-${id}`), figure(now));
  }
}
