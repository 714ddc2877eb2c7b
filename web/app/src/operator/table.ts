/** The ended calls as rows that can be sorted. Pure: no DOM. */
import type { EndedCall, Measured } from './calls.js';

export const COLUMNS = ['ended', 'who', 'talk', 'reason', 'mos', 'concealed', 'rtt', 'path'] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly by: Column;
  readonly falling: boolean;
}

/** What a call is sorted by; without a value it comes last, either way. */
export function key(call: EndedCall, column: Column): number | string | null {
  switch (column) {
    case 'ended': return call.ended_at;
    case 'who': return `${call.caller} ${call.callee}`;
    case 'talk': return call.talk_ms;
    case 'reason': return call.reason;
    case 'mos': return worst(call, ({ mos }) => mos, Math.min);
    case 'concealed': return worst(call, ({ concealed_ppm }) => concealed_ppm, Math.max);
    case 'rtt': return worst(call, ({ rtt_ms }) => rtt_ms, Math.max);
    case 'path': return call.legs.map(({ measured }) => measured.path).sort().at(-1) ?? null;
  }
}

/** The worse of what both legs measured. */
export function worst(call: EndedCall, of: (measured: Measured) => number | null, choose: (...all: number[]) => number): number | null {
  const known = call.legs.map(({ measured }) => of(measured)).filter((value) => value !== null);
  return known.length === 0 ? null : choose(...known);
}

export function sorted(calls: readonly EndedCall[], { by, falling }: Order): EndedCall[] {
  const sign = falling ? -1 : 1;
  return [...calls].sort((a, b) => {
    const [x, y] = [key(a, by), key(b, by)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || b.row - a.row;
    return (x < y ? -sign : x > y ? sign : 0) || b.row - a.row;
  });
}

/** The order after a click on a column: the other way round, or that column's natural first. */
export function clicked({ by, falling }: Order, column: Column): Order {
  if (by === column) return { by, falling: !falling };
  return { by: column, falling: column === 'ended' || column === 'talk' || column === 'concealed' || column === 'rtt' };
}
