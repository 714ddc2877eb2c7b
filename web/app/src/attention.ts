/**
 * Calls for attention where the page is not looked at: the title flashes and the phone shakes while a call comes in.
 */
import type { View } from './model.js';
import { TITLE } from './words.js';

const FLASH_MS = 1000;
const SHAKE = [300, 150, 300, 1250];

export class Attention {
  readonly #me: string;
  #flashing: ReturnType<typeof setInterval> | undefined;

  constructor(me: string) {
    this.#me = me;
  }

  show(view: View, peer: string): void {
    if (view.panel === 'incoming') {
      this.#flash(peer);
      return;
    }
    this.#calm();
    document.title = view.talking ? TITLE.live(peer) : TITLE.plain(this.#me);
  }

  #flash(peer: string): void {
    if (this.#flashing !== undefined) return;
    let on = true;
    const flash = (): void => {
      document.title = on ? TITLE.ringing(peer) : TITLE.plain(this.#me);
      // Browsers refuse it before the first touch, and say so in the console.
      if (on && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(SHAKE);
      on = !on;
    };
    flash();
    this.#flashing = setInterval(flash, FLASH_MS);
  }

  #calm(): void {
    if (this.#flashing === undefined) return;
    clearInterval(this.#flashing);
    this.#flashing = undefined;
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
  }
}
