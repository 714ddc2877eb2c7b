/** The plots, drawn as SVG. Colours come from CSS classes, so that light and dark share one drawing. */
import { svg } from '../scene/svg.js';
import { PATHS, type Day } from './calls.js';
import { FAIR, GOOD, GRADES, POOR, WAYS, curve, grade, type Grade } from './words.js';

const LOW = 100;
const HIGH = 450;

const SPARK = { width: 240, height: 56, edge: 5 } as const;

/** A leg's scores over time, over the ground on which they are poor. */
export function sparkline(leg: string, recent: readonly (readonly [number, number])[]): SVGSVGElement {
  const { width, height, edge } = SPARK;
  const [first, last] = [recent[0]?.[0] ?? 0, recent.at(-1)?.[0] ?? 0];
  const x = (at: number): number => (last === first ? width - edge : edge + ((at - first) / (last - first)) * (width - 2 * edge));
  const y = (mos: number): number => edge + ((HIGH - mos) / (HIGH - LOW)) * (height - 2 * edge);
  const drawing = svg('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': curve(leg, recent) });
  drawing.append(
    svg('rect', { class: 'spark__ground', x: 0, y: y(POOR), width, height: height - y(POOR) }),
    svg('line', { class: 'spark__poor', x1: 0, x2: width, y1: y(POOR), y2: y(POOR) }),
  );
  const end = recent.at(-1);
  if (!end) return drawing;
  const points = recent.map(([at, mos]) => `${x(at).toFixed(1)},${y(mos).toFixed(1)}`).join(' ');
  const kind = grade(end[1]);
  drawing.append(svg('polyline', { class: 'spark__line', points }), svg('circle', { class: `spark__now is-${kind}`, cx: x(end[0]), cy: y(end[1]), r: 4.5 }));
  return drawing;
}

/** Legs in each grade, of a day. */
export function graded({ mos, mos_class }: Day): Record<Grade, number> {
  const sums: Record<Grade, number> = { good: 0, fair: 0, weak: 0, poor: 0 };
  mos.forEach((legs, at) => (sums[grade(LOW + at * mos_class)] += legs));
  return sums;
}

/** What the plot of scores says, in a sentence. */
export function scoresInWords(day: Day): string {
  const total = day.mos.reduce((sum, legs) => sum + legs, 0);
  if (total === 0) return 'No leg reported in the last 24 hours.';
  const sums = graded(day);
  const parts = (Object.keys(sums) as Grade[]).map((kind) => `${sums[kind]} ${GRADES[kind]}`);
  return `${total} legs: ${parts.join(', ')}.`;
}

const BARS = { width: 360, height: 190, left: 34, top: 14, bottom: 30 } as const;

/** How many legs had which score. */
export function scores(day: Day): SVGSVGElement {
  const { width, height, left, top, bottom } = BARS;
  const most = Math.max(1, ...day.mos);
  const floor = height - bottom;
  const step = (width - left) / day.mos.length;
  const drawing = svg('svg', { class: 'bars', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': scoresInWords(day) });
  for (const part of [1, 0.5]) {
    const line = floor - part * (floor - top);
    drawing.append(svg('line', { class: 'bars__line', x1: left, x2: width, y1: line, y2: line }), word(left - 6, line + 4, short(part * most), 'end'));
  }
  day.mos.forEach((legs, at) => {
    const tall = (legs / most) * (floor - top);
    const kind = grade(LOW + at * day.mos_class);
    const bar = svg('rect', { class: `bars__bar is-${kind}`, x: left + at * step + 1.5, y: floor - tall, width: step - 3, height: tall, rx: 2 });
    drawing.append(bar);
  });
  drawing.append(svg('line', { class: 'bars__floor', x1: left, x2: width, y1: floor, y2: floor }));
  for (const mos of [LOW, 200, POOR, FAIR, GOOD, HIGH]) {
    const at = left + ((mos - LOW) / (day.mos_class * day.mos.length)) * (width - left);
    drawing.append(word(at, height - 10, (mos / 100).toString(), mos === LOW ? 'start' : mos === HIGH ? 'end' : 'middle'));
  }
  return drawing;
}

/** What the plot of ways says, in a sentence. */
export function waysInWords({ paths }: Day): string {
  const told = PATHS.filter((path) => paths[path] > 0).map((path) => `${WAYS[path]} ${paths[path]}`);
  return told.length === 0 ? 'No leg reported in the last 24 hours.' : `${told.join(', ')}.`;
}

const ROWS = { width: 360, row: 36, left: 104, right: 44 } as const;

/** How many legs went which way. */
export function ways(day: Day): SVGSVGElement {
  const { width, row, left, right } = ROWS;
  const most = Math.max(1, ...PATHS.map((path) => day.paths[path]));
  const drawing = svg('svg', { class: 'bars', viewBox: `0 0 ${width} ${row * PATHS.length}`, role: 'img', 'aria-label': waysInWords(day) });
  PATHS.forEach((path, at) => {
    const long = (day.paths[path] / most) * (width - left - right);
    const middle = at * row + row / 2;
    const bar = svg('rect', { class: `bars__bar is-${path}`, x: left, y: middle - 10, width: Math.max(long, day.paths[path] > 0 ? 2 : 0), height: 20, rx: 3 });
    drawing.append(word(left - 8, middle + 4, WAYS[path], 'end'), bar, word(left + long + 6, middle + 4, String(day.paths[path]), 'start'));
  });
  return drawing;
}

function word(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): SVGTextElement {
  const element = svg('text', { class: 'bars__word', x: x.toFixed(1), y, 'text-anchor': anchor });
  element.textContent = text;
  return element;
}

/** `950`, `1.2k`. */
const short = (count: number): string => (count < 1000 ? String(Math.round(count)) : `${(count / 1000).toFixed(1)}k`);
