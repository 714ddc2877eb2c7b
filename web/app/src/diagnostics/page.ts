/**
 * Shows a view of the check: words, buttons, rows, and the one live region. It decides nothing; see model.ts.
 */
import type { CheckResult, CheckRunning } from '@tincan/sdk';
import { element, say, show } from '../ui/dom.js';
import type { View } from './model.js';
import { Rows } from './rows.js';
import { ASK, BUTTON, COPY, NAME } from './words.js';

type Action = 'start' | 'heard' | 'unheard' | 'copy';

export class DiagnosticsPage {
  readonly #rows = new Rows(element('checks'));
  readonly #verdict = element('verdict');
  #outlook: View['outlook'] = 'none';

  on(action: Action, act: () => void): void {
    element(action, HTMLButtonElement).addEventListener('click', act);
  }

  show(view: View): void {
    say(this.#verdict, view.headline);
    Object.assign(this.#verdict.dataset, { outlook: view.outlook, code: view.code });
    say(element('remedy'), view.detail);
    this.#also(view.also);
    const start = element('start', HTMLButtonElement);
    say(start, view.startLabel);
    start.classList.toggle('button--go', view.outlook !== 'running');
    start.classList.toggle('button--plain', view.outlook === 'running');
    this.#question(view.question);
    show(element('copy'), view.canCopy);
    show(element('text'), view.canCopy);
    this.#rows.show(view.rows);
    if (view.outlook !== this.#outlook && view.outlook !== 'none') this.#announce([view.headline, view.detail, ...view.also].filter(Boolean).join(' '));
    this.#outlook = view.outlook;
  }

  /** What a check asks for or has found, for those who listen to the page. */
  tell(told: CheckRunning | CheckResult): void {
    if (told.status === 'running') this.#announce(told.ask ? ASK[told.ask] : '');
    else if (told.status !== 'skipped') this.#announce(`${NAME[told.name]}: ${told.message}`);
  }

  report(text: string): void {
    say(element('report'), text);
    say(element('copy'), BUTTON.copy);
  }

  copied(done: boolean): void {
    say(element('copy'), done ? BUTTON.copied : BUTTON.copy);
    this.#announce(done ? COPY.done : COPY.failed);
    if (!done) element('text', HTMLDetailsElement).open = true;
  }

  /** The focus that was on a reply goes back to where it came from. */
  #question(asked: boolean): void {
    const question = element('question');
    const focused = question.contains(document.activeElement);
    show(question, asked);
    if (focused && !asked) element('start').focus({ preventScroll: true });
  }

  #also(also: readonly string[]): void {
    const list = element('also');
    list.replaceChildren(...also.map((sentence) => {
      const item = document.createElement('li');
      item.textContent = sentence;
      return item;
    }));
    show(list, also.length > 0);
  }

  #announce(text: string): void {
    say(element('live'), text);
  }
}
