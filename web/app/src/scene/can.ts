/**
 * One tin can lying on its side, drawn around its own centre with the opening to the left; the right can is the same
 * drawing mirrored. Lit from above. Colours are CSS classes, see styles/scene.css.
 *
 *      ( ))─────────|───────)
 *     (   ))  label |       )──── string
 *      ( ))─────────|───────)
 */
import { gradient, set, svg } from './svg.js';

/** Half the length of the body, its radius, and how wide its round ends look from where we stand. */
const HALF = 70;
const RADIUS = 58;
const END = 19;

export const canSize = { radius: RADIUS, reach: HALF + END - 1, back: HALF + END } as const;

export interface Can {
  readonly element: SVGGElement;
  /** Moves the can: its centre, how far the opening is tilted up (degrees), and its size. */
  place(x: number, y: number, tilt: number, scale: number): void;
  /** How hard it rings, 0 to 1: the marks around it. */
  ring(strength: number): void;
  /** How loud it is inside, 0 to 1. */
  glow(level: number): void;
}

/** Gradients both cans share; put once into the drawing. */
export function canPaint(): SVGDefsElement {
  const down = { x1: 0, y1: 0, x2: 0, y2: 1 };
  return svg(
    'defs', {},
    gradient('linearGradient', 'tin', down, [
      [0, 'tin-mid'], [0.1, 'tin-light'], [0.24, 'tin-shine'], [0.36, 'tin-light'], [0.68, 'tin-mid'], [0.88, 'tin-deep'], [1, 'tin-mid'],
    ]),
    gradient('linearGradient', 'label-light', down, [
      [0, 'dark-2'], [0.12, 'light-1'], [0.25, 'light-3'], [0.4, 'none'], [0.72, 'dark-1'], [0.92, 'dark-3'], [1, 'dark-2'],
    ]),
    gradient('linearGradient', 'inside', { x1: 0, y1: 0, x2: 0, y2: 1 }, [[0, 'inside-top'], [0.65, 'inside-mid'], [1, 'inside-low']]),
    gradient('radialGradient', 'voice', { cx: 0.62, cy: 0.5, r: 0.62 }, [[0, 'voice-in'], [1, 'voice-out']]),
    gradient('radialGradient', 'shadow', { cx: 0.5, cy: 0.5, r: 0.5 }, [[0, 'shadow-in'], [0.55, 'shadow-mid'], [1, 'shadow-out']]),
  );
}

export function drawCan(letter: string, paint: 'a' | 'b', side: 'left' | 'right'): Can {
  const glow = svg('ellipse', { cx: -HALF, cy: 0, rx: END - 3.5, ry: RADIUS - 5, fill: 'url(#voice)', class: 'can__voice' });
  const body = svg(
    'g', { class: 'can__body' },
    svg('path', { d: band(-HALF, HALF), fill: 'url(#tin)', class: 'can__tin' }),
    ...[-58, -51, -44, 46, 53, 60].map(rib),
    ...label(),
    svg('path', { d: arc(HALF), class: 'can__seam' }),
    svg('path', { d: arc(HALF - 3), class: 'can__seam can__seam--light' }),
    ...mouth(glow),
  );
  // The letter is drawn outside the mirrored body so that it reads the right way round on both cans.
  const sign = svg('text', { x: 0, y: 0, class: 'can__letter', 'text-anchor': 'middle', 'dominant-baseline': 'central' });
  sign.textContent = letter;
  const flip = side === 'left' ? 1 : -1;
  set(body, { transform: `scale(${flip} 1)` });
  set(sign, { transform: `translate(${flip * 15} 1) scale(0.86 1)` });
  const marks = svg('path', { d: MARKS, class: 'can__marks', opacity: 0, transform: `scale(${flip} 1)` });
  const element = svg('g', { class: `can can--${paint} can--${side}` }, marks, body, sign);
  return {
    element,
    place: (x, y, tilt, scale) =>
      set(element, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)}) rotate(${(flip * tilt).toFixed(2)}) scale(${scale.toFixed(3)})` }),
    ring: (strength) => set(marks, { opacity: Math.min(1, strength * 1.4).toFixed(2) }),
    glow: (level) => set(glow, { opacity: level.toFixed(2) }),
  };
}

/** Arcs above both shoulders: the can shakes. */
const MARKS = [-1, 1].map((way) => [12, 24, 36].map((far) => {
  const [x, y] = [way * (56 + far * 0.55), -RADIUS - far * 0.55];
  const half = 9 + far * 0.25;
  return `M${x - half} ${y - way * half * 0.72}Q${x + way * half * 0.5} ${y - half * 0.62} ${x + half} ${y + way * half * 0.72}`;
}).join('')).join('');

/** The visible surface between two rings: straight edges above and below, round ends bulging to the right. */
function band(from: number, to: number): string {
  return `M${from} ${-RADIUS}L${to} ${-RADIUS}A${END} ${RADIUS} 0 0 1 ${to} ${RADIUS}L${from} ${RADIUS}A${END} ${RADIUS} 0 0 0 ${from} ${-RADIUS}Z`;
}

function arc(x: number): string {
  return `M${x} ${-RADIUS}A${END} ${RADIUS} 0 0 1 ${x} ${RADIUS}`;
}

function rib(x: number): SVGElement {
  return svg('g', {}, svg('path', { d: arc(x), class: 'can__rib' }), svg('path', { d: arc(x + 2), class: 'can__rib can__rib--light' }));
}

function label(): SVGElement[] {
  const [from, to] = [-36, 38];
  return [
    svg('path', { d: band(from, to), class: 'can__label' }),
    svg('path', { d: band(from + 5, from + 8), class: 'can__line' }),
    svg('path', { d: band(to - 8, to - 5), class: 'can__line' }),
    svg('ellipse', { cx: 15, cy: 0, rx: 24, ry: 28.5, class: 'can__medal' }),
    svg('ellipse', { cx: 15, cy: 0, rx: 20.5, ry: 24.5, class: 'can__medal-line' }),
    svg('path', { d: band(from, to), fill: 'url(#label-light)' }),
  ];
}

function mouth(glow: SVGElement): SVGElement[] {
  return [
    svg('ellipse', { cx: -HALF, cy: 0, rx: END, ry: RADIUS, class: 'can__rim' }),
    svg('ellipse', { cx: -HALF, cy: 0, rx: END - 3.5, ry: RADIUS - 5, fill: 'url(#inside)' }),
    ...[7, 12].map((deep) => svg('path', {
      d: `M${-HALF + deep} ${-RADIUS + 5 + deep}A${END - deep} ${RADIUS - 9} 0 0 1 ${-HALF + deep} ${RADIUS - 5 - deep}`, class: 'can__depth',
    })),
    glow,
    svg('ellipse', { cx: -HALF, cy: 0, rx: END - 0.8, ry: RADIUS - 0.8, class: 'can__rim-light' }),
  ];
}
