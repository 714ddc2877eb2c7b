/**
 * The shape of the string between the two cans. Pure: from numbers to points, no DOM and no clock.
 *
 *   taut    sag 0, curl 0   a straight line that carries waves
 *   slack   sag > 0         hangs; what would hang below the table lies on it
 *   loose   curl > 0        lies in loops, which open as it is pulled
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface StringShape {
  readonly left: Point;
  readonly right: Point;
  /** Where the table is; the string never goes below it. */
  readonly floor: number;
  /** How far the middle hangs below the straight line, in pixels. */
  readonly sag: number;
  /** 0 = no loops, 1 = lies in loops. */
  readonly curl: number;
  /** 0 to 1: how much air moves it. */
  readonly sway: number;
  /** 0 to 1: the end that was let go and has come down. */
  readonly droppedLeft: number;
  readonly droppedRight: number;
  /** Height of a full wave in pixels. */
  readonly waveHeight: number;
  /** Sum of all waves at `s` (0 = left can, 1 = right can), about -1 to 1. */
  readonly wave: (s: number) => number;
  readonly now: number;
}

export const SEGMENTS = 72;
const LOOP_WIDTH = 250;
/** Share of the string on each side of the middle that the loop takes up. */
const LOOP_ROOM = 0.2;
const SOFTNESS = 7;

export function stringPoints(shape: StringShape): Point[] {
  const left = dropped(shape.left, shape.droppedLeft, shape, +1);
  const right = dropped(shape.right, shape.droppedRight, shape, -1);
  const span = right.x - left.x;
  // An odd number of turns puts one in the middle, and only that one is wound up.
  const turns = span < 1.5 * LOOP_WIDTH ? 1 : 3;
  // A loop closes when the sideways swing outruns the way ahead: span / (2π·turns) is the threshold.
  const swing = (2.5 * span) / (2 * Math.PI * turns);
  const points: Point[] = [];
  for (let i = 0; i <= SEGMENTS; i++) {
    const s = i / SEGMENTS;
    const held = holding(s);
    const turn = 2 * Math.PI * turns * s;
    const wound = shape.curl * Math.exp(-(((s - 0.5) / LOOP_ROOM) ** 2)) * held;
    const hang = left.y + (right.y - left.y) * s + 4 * shape.sag * s * (1 - s);
    const breeze = shape.sway * held * Math.sin(2.6 * Math.PI * s + 2.4 * shape.now);
    const x = left.x + span * s + wound * swing * Math.sin(turn) + 5 * breeze;
    const lying = onTable(hang, shape.floor);
    const y = lying - wound * 15 * (1 - Math.cos(turn)) + 4 * breeze + held * shape.waveHeight * shape.wave(s);
    points.push({ x, y: Math.min(y, shape.floor + SOFTNESS) });
  }
  return points;
}

/** 0 at the cans, where the string is held, and 1 along the rest. */
function holding(s: number): number {
  return Math.sqrt(Math.max(0, Math.sin(Math.PI * s)));
}

function dropped(end: Point, amount: number, shape: StringShape, inwards: 1 | -1): Point {
  const reach = 0.2 * (shape.right.x - shape.left.x);
  const floor = shape.floor + SOFTNESS / 2;
  return { x: end.x + inwards * reach * amount, y: end.y + (floor - end.y) * Math.min(1, Math.max(0, amount)) };
}

/** A smooth minimum of `y` and the table, so that the string bends onto it instead of breaking. */
function onTable(y: number, floor: number): number {
  const above = (floor - y) / SOFTNESS;
  if (above > 20) return y;
  return floor - SOFTNESS * Math.log1p(Math.exp(above));
}

/** An SVG path through the points from index `from` to `to`, smoothed by quadratic curves through their midpoints. */
export function pathThrough(points: readonly Point[], from = 0, to = points.length - 1): string {
  const first = points[from];
  const last = points[to];
  if (!first || !last || to <= from) return '';
  let d = `M${coordinate(first.x)} ${coordinate(first.y)}`;
  for (let i = from + 1; i < to; i++) {
    const here = points[i];
    const next = points[i + 1];
    if (!here || !next) break;
    d += `Q${coordinate(here.x)} ${coordinate(here.y)} ${coordinate((here.x + next.x) / 2)} ${coordinate((here.y + next.y) / 2)}`;
  }
  return `${d}L${coordinate(last.x)} ${coordinate(last.y)}`;
}

const coordinate = (value: number): string => value.toFixed(1);
