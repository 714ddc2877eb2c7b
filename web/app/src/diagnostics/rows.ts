/** The list of checks: one row each, made once and filled in as results come. */
import type { CheckName } from '@tincan/sdk';
import { svg } from '../scene/svg.js';
import { say, show } from '../ui/dom.js';
import type { Row } from './model.js';
import { STATUS } from './words.js';

/** One sign for each status, drawn in a box of 24; the words beside it say the same. */
const SIGN: Record<Row['status'], string> = {
  waiting: '',
  running: 'M12 12h.01',
  ok: 'M5 12.5l4.5 4.5L19 7',
  warning: 'M12 5v8.5M12 18.5h.01',
  failed: 'M6 6l12 12M18 6L6 18',
  skipped: 'M6 12h12',
};

const BARS = 5;

class RowElement {
  readonly element = document.createElement('li');
  readonly #sign = svg('path', { d: '' });
  readonly #status = document.createElement('span');
  readonly #message = document.createElement('p');
  readonly #remedy = document.createElement('p');
  readonly #figures = document.createElement('ul');
  readonly #bars = document.createElement('span');
  #shown = '';

  constructor(title: string) {
    const name = document.createElement('h3');
    const words = document.createElement('div');
    this.element.className = 'check';
    name.className = 'check__name';
    this.#status.className = 'visually-hidden';
    name.append(title, this.#status);
    words.className = 'check__words';
    this.#message.className = 'check__message';
    this.#remedy.className = 'check__remedy';
    this.#figures.className = 'check__figures';
    this.#figures.hidden = true;
    this.#bars.className = 'bars';
    this.#bars.ariaHidden = 'true';
    this.#bars.append(...Array.from({ length: BARS }, () => document.createElement('i')));
    words.append(name, this.#message, this.#remedy);
    const sign = svg('svg', { class: 'icon check__sign', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, this.#sign);
    this.element.append(sign, words, this.#bars, this.#figures);
  }

  show({ status, message, remedy, figures, level }: Row): void {
    this.element.dataset['status'] = status;
    this.#sign.setAttribute('d', SIGN[status]);
    say(this.#status, `: ${STATUS[status]}`);
    say(this.#message, message);
    say(this.#remedy, remedy);
    show(this.#remedy, remedy !== '');
    show(this.#bars, level !== undefined);
    this.#bars.dataset['bars'] = String(Math.ceil((level ?? 0) * BARS - 0.1));
    this.#list(figures);
  }

  #list(figures: readonly string[]): void {
    const now = figures.join('\n');
    if (now === this.#shown) return;
    this.#shown = now;
    this.#figures.replaceChildren(...figures.map((figure) => {
      const item = document.createElement('li');
      item.textContent = figure;
      return item;
    }));
    show(this.#figures, figures.length > 0);
  }
}

export class Rows {
  readonly #list: HTMLElement;
  readonly #rows = new Map<CheckName, RowElement>();

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  show(rows: readonly Row[]): void {
    for (const row of rows) {
      let element = this.#rows.get(row.name);
      if (!element) {
        element = new RowElement(row.title);
        element.element.id = `check-${row.name}`;
        this.#rows.set(row.name, element);
        this.#list.append(element.element);
      }
      element.show(row);
    }
  }
}
