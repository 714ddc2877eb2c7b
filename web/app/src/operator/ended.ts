/** The table of ended calls. Its head is made once, so that the focus stays on the column that was just chosen. */
import type { EndedCall } from './calls.js';
import { h } from './html.js';
import { pill } from './live.js';
import { COLUMNS, clicked, sorted, worst, type Column, type Order } from './table.js';
import { WAYS, hadTrouble, lasting, milliseconds, percent, reason, troubles } from './words.js';

const TITLES: Readonly<Record<Column, string>> = {
  ended: 'Ended', who: 'Caller and callee', talk: 'Talk', reason: 'End', mos: 'Opinion score', concealed: 'Made up', rtt: 'Round trip', path: 'Way',
};

const moment = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });

export class EndedTable {
  readonly #heads = new Map<Column, HTMLTableCellElement>();
  readonly #body = h('tbody');
  #order: Order = { by: 'ended', falling: true };
  #calls: readonly EndedCall[] = [];

  constructor(table: HTMLElement) {
    const row = h('tr', {}, ...COLUMNS.map((column) => this.#head(column)));
    const caption = h('caption', { class: 'visually-hidden' }, 'Calls that ended. A column’s title sorts by it.');
    table.replaceChildren(caption, h('thead', {}, row), this.#body);
  }

  show(calls: readonly EndedCall[]): void {
    this.#calls = calls;
    for (const [column, head] of this.#heads) {
      if (column === this.#order.by) head.setAttribute('aria-sort', this.#order.falling ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    this.#body.replaceChildren(...sorted(calls, this.#order).flatMap(rows));
  }

  #head(column: Column): HTMLTableCellElement {
    const button = h('button', { type: 'button', class: 'calls__sort' }, TITLES[column]);
    button.addEventListener('click', () => {
      this.#order = clicked(this.#order, column);
      this.show(this.#calls);
    });
    const head = h('th', { scope: 'col', class: `calls__${column}` }, button);
    this.#heads.set(column, head);
    return head;
  }
}

/** One row, and one more that says what was wrong. */
function rows(call: EndedCall): HTMLElement[] {
  const isPoor = call.legs.some(({ measured }) => hadTrouble(measured));
  const row = h('tr', isPoor ? { class: 'is-troubled' } : {}, ...COLUMNS.map((column) => h('td', { class: `calls__${column}` }, ...cell(call, column))));
  const sentences = troubles(call).map((sentence) => h('p', { class: 'trouble' }, sentence));
  return sentences.length === 0 ? [row] : [row, h('tr', { class: 'calls__why' }, h('td', { colspan: COLUMNS.length }, ...sentences))];
}

function cell(call: EndedCall, column: Column): (Node | string)[] {
  switch (column) {
    case 'ended': return [h('time', { datetime: new Date(call.ended_at).toISOString() }, moment.format(call.ended_at))];
    case 'who': return [h('span', { class: 'calls__side' }, call.caller), h('span', { class: 'calls__side' }, `→ ${callee(call)}`)];
    case 'talk': return [call.talk_ms > 0 ? lasting(call.talk_ms) : '–'];
    case 'reason': return [reason(call.reason)];
    case 'mos': return call.legs.length === 0 ? ['–'] : call.legs.map(({ role, measured }) => h('span', { class: 'calls__leg' }, pill(measured.mos), h('span', { class: 'visually-hidden' }, ` by the ${role} `)));
    case 'concealed': return [percent(worst(call, ({ concealed_ppm }) => concealed_ppm, Math.max))];
    case 'rtt': return [milliseconds(worst(call, ({ rtt_ms }) => rtt_ms, Math.max))];
    case 'path': return [[...new Set(call.legs.map(({ measured }) => WAYS[measured.path]))].join(', ') || '–'];
  }
}

/** The device that accepted, where its leg reported; else the user. */
const callee = ({ callee: user, legs }: EndedCall): string => legs.find(({ role }) => role === 'callee')?.leg ?? user;
