/**
 * Draws the string: a twisted cord in two halves, the fibres at the break.
 * Whole, the halves meet and the fibres are hidden.
 */
import { pathThrough, SEGMENTS, type Point } from './string.js';
import { set, svg } from './svg.js';

const MIDDLE = SEGMENTS / 2;
const FIBRES = [-1.6, -0.7, 0.2, 1, 1.7];

export class Strand {
  readonly #dark = svg('path', { class: 'string string--edge' });
  readonly #cord = svg('path', { class: 'string string--cord' });
  readonly #twist = svg('path', { class: 'string string--twist' });
  readonly #thread = svg('path', { class: 'string string--fibre' });
  readonly #fibres = svg('path', { class: 'string string--fibre' });
  readonly element = svg('g', { class: 'strand' }, this.#thread, this.#fibres, this.#dark, this.#cord, this.#twist);

  draw(points: readonly Point[], fray: number, snap: number, scale: number): void {
    const torn = Math.max(0, fray);
    const step = pixelsPerPoint(points);
    const gap = Math.min(MIDDLE - 8, Math.round(((torn * 34 + Math.max(0, snap) * 30) * scale) / step));
    const cord = gap === 0 ? pathThrough(points) : pathThrough(points, 0, MIDDLE - gap) + pathThrough(points, MIDDLE + gap);
    const thick = 4.8 * Math.max(0.8, scale);
    set(this.#dark, { d: cord, 'stroke-width': thick.toFixed(2) });
    set(this.#cord, { d: cord, 'stroke-width': (thick * 0.66).toFixed(2) });
    set(this.#twist, { d: cord, 'stroke-width': (thick * 0.3).toFixed(2) });
    const shown = gap > 0;
    set(this.#thread, { d: shown ? pathThrough(points, MIDDLE - gap, MIDDLE + gap) : '', opacity: Math.max(0, 1 - snap * 1.5).toFixed(2) });
    set(this.#fibres, { d: shown ? fibres(points, MIDDLE - gap, +1, torn * scale) + fibres(points, MIDDLE + gap, -1, torn * scale) : '' });
  }
}

function pixelsPerPoint(points: readonly Point[]): number {
  const [first, last] = [points[0], points[SEGMENTS]];
  return first && last ? Math.max(1, Math.abs(last.x - first.x) / SEGMENTS) : 1;
}

/** Loose ends that fan out from the break at `index` towards the other half. */
function fibres(points: readonly Point[], index: number, towards: 1 | -1, size: number): string {
  const root = points[index];
  const next = points[index + towards];
  if (!root || !next) return '';
  const long = Math.max(1, Math.hypot(next.x - root.x, next.y - root.y));
  const [ux, uy] = [(next.x - root.x) / long, (next.y - root.y) / long];
  return FIBRES.map((spread) => {
    const reach = size * (20 - Math.abs(spread) * 3.5);
    const bend = size * spread * 6.5;
    const tip = { x: root.x + ux * reach - uy * bend, y: root.y + uy * reach + ux * bend };
    const knee = { x: root.x + ux * reach * 0.6 - uy * bend * 0.2, y: root.y + uy * reach * 0.6 + ux * bend * 0.2 };
    return `M${root.x.toFixed(1)} ${root.y.toFixed(1)}Q${knee.x.toFixed(1)} ${knee.y.toFixed(1)} ${tip.x.toFixed(1)} ${tip.y.toFixed(1)}`;
  }).join('');
}
