/**
 * The picture: two cans, the string between them, the table under them. Left is you, right is the other.
 * It draws only while something moves; at rest it asks for no frames. With reduced motion it goes straight to each pose.
 */
import { canPaint, canSize, drawCan, type Can } from './can.js';
import { feels, poses, pulled, rings, type Pose, type PoseName, type PoseValue } from './pose.js';
import { Springs } from './spring.js';
import { Strand } from './strand.js';
import { stringPoints, SEGMENTS, type Point } from './string.js';
import { set, svg } from './svg.js';
import { requestBurst, ringBurst, Wave } from './wave.js';

export interface SceneOptions {
  /** The letter on each can's label. */
  readonly letters: readonly [mine: string, theirs: string];
  readonly paint: readonly [mine: 'a' | 'b', theirs: 'a' | 'b'];
  /** Where the string's middle is, whenever it moves: the tag hangs there. */
  readonly onMiddle?: (at: Point) => void;
}

interface Stage {
  width: number;
  height: number;
  scale: number;
  floor: number;
  lift: number;
}

export class Scene {
  readonly #options: SceneOptions;
  readonly #svg: SVGSVGElement;
  readonly #cans: readonly [Can, Can];
  readonly #shadows: readonly [SVGElement, SVGElement];
  readonly #strand = new Strand();
  readonly #waves = [new Wave(), new Wave()] as const;
  readonly #springs = new Springs<PoseValue>(poses.apart, feels);
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #stage: Stage = { width: 0, height: 0, scale: 1, floor: 0, lift: 0 };
  #pose: PoseName = 'apart';
  #pulledAt = -10;
  #levels: readonly [number, number] = [0, 0];
  #heard: [number, number] = [0, 0];
  #frame = 0;
  #then = 0;

  constructor(host: HTMLElement, options: SceneOptions) {
    this.#options = options;
    this.#cans = [drawCan(options.letters[0], options.paint[0], 'left'), drawCan(options.letters[1], options.paint[1], 'right')];
    this.#shadows = [svg('ellipse', { fill: 'url(#shadow)' }), svg('ellipse', { fill: 'url(#shadow)' })];
    this.#svg = svg(
      'svg', { 'aria-hidden': 'true', focusable: 'false', class: 'scene__svg' },
      canPaint(), ...this.#shadows, this.#strand.element, this.#cans[0].element, this.#cans[1].element,
    );
    host.prepend(this.#svg);
    new ResizeObserver(() => this.#resize(host)).observe(host);
    this.#still.addEventListener('change', () => this.#wake());
    this.#resize(host);
  }

  set pose(name: PoseName) {
    if (name === this.#pose) return;
    if (name === 'connected') this.#pulledAt = performance.now() / 1000;
    this.#pose = name;
    this.#svg.dataset['pose'] = name;
    this.#springs.aim(poses[name]);
    this.#wake();
  }

  /** Pulls the string in: from 0, loose, to 1, tight. */
  pull(taut: number): void {
    this.pose = 'pulling';
    this.#springs.aim(pulled(taut));
    this.#wake();
  }

  /** How loud you and the other are, 0 to 1. */
  levels(mine: number, theirs: number): void {
    this.#levels = [mine, theirs];
    if (this.#carries) this.#wake();
  }

  /** Whether a voice shows on the string. */
  get #carries(): boolean {
    return this.#pose === 'connected' || this.#pose === 'pulling';
  }

  #resize(host: HTMLElement): void {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    const scale = Math.min(1.18, Math.max(0.54, width / 860), Math.max(0.5, height / 250));
    const floor = height - 46;
    const room = floor - 2 * canSize.radius * scale - 14;
    Object.assign(this.#stage, { width, height, scale, floor, lift: Math.max(10, Math.min(room, Math.max(92 * scale, room * (width < 600 ? 0.62 : 0.5)))) });
    set(this.#svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    this.#wake();
  }

  #wake(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((at) => this.#tick(at / 1000));
  }

  #tick(now: number): void {
    const still = this.#still.matches;
    const dt = now - this.#then;
    this.#then = now;
    if (still) this.#springs.jump();
    this.#hear(dt);
    const moving = !still && this.#springs.step(dt);
    this.#draw(still ? 0 : now, still);
    this.#frame = 0;
    if (!still && (moving || this.#alive(now))) this.#wake();
  }

  /** Is there anything to show after the springs came to rest? */
  #alive(now: number): boolean {
    const waving = !this.#waves[0].silent || !this.#waves[1].silent;
    return waving || this.#heard[0] + this.#heard[1] > 0.01 || this.#springs.value.sway > 0.2 || rings[this.#pose] !== undefined || now - this.#pulledAt < 1.6;
  }

  #draw(now: number, still: boolean): void {
    const pose = this.#springs.value;
    const ring = rings[this.#pose];
    const burst = still || !ring ? 0 : ring.can === 'none' ? requestBurst(now) : ringBurst(now);
    this.#feed(now, ring?.from, burst);
    const left = this.#placeCan(0, pose.liftLeft, pose.tiltLeft, ring?.can === 'left' ? burst : 0, now);
    const right = this.#placeCan(1, pose.liftRight, pose.tiltRight, ring?.can === 'right' ? burst : 0, now);
    const points = this.#string(pose, left, right, now, still);
    this.#strand.draw(points, pose.fray, pose.snap, this.#stage.scale);
    const middle = points[SEGMENTS / 2];
    if (middle) this.#options.onMiddle?.(middle);
  }

  /** Levels come ten times a second; the string moves smoothly between them, quicker up than down. */
  #hear(dt: number): void {
    const talking = this.#carries;
    for (const i of [0, 1] as const) {
      const gap = (talking ? this.#levels[i] : 0) - this.#heard[i];
      this.#heard[i] += gap * (1 - Math.exp(-Math.min(dt, 0.1) * (gap > 0 ? 22 : 9)));
    }
  }

  #feed(now: number, from: 'left' | 'right' | undefined, burst: number): void {
    for (const [i, side] of [[0, 'left'], [1, 'right']] as const) {
      this.#waves[i].feed(from === side ? burst * 0.5 : this.#heard[i], now);
      this.#cans[i].glow(Math.min(1, this.#heard[i] * 1.6));
    }
  }

  /** Places one can with its shadow and returns where its string begins. */
  #placeCan(index: 0 | 1, lift: number, tilt: number, burst: number, now: number): Point {
    const { width, scale, floor } = this.#stage;
    const way = index === 0 ? 1 : -1;
    const edge = (canSize.back + 12) * scale;
    const x = index === 0 ? edge : width - edge;
    const shake = burst * Math.sin(2 * Math.PI * 13 * now);
    const y = floor - canSize.radius * scale - lift * this.#stage.lift - burst * 7 * scale;
    const angle = tilt + shake * 5;
    this.#cans[index].place(x, y, angle, scale);
    this.#cans[index].ring(burst);
    const far = Math.max(0, Math.min(1, lift));
    set(this.#shadows[index], {
      cx: x, cy: floor + 2, rx: 104 * scale * (1 - 0.22 * far), ry: 13 * scale * (1 - 0.25 * far), opacity: (1 - 0.55 * far).toFixed(2),
    });
    const radians = (way * angle * Math.PI) / 180;
    const reach = canSize.reach * scale * way;
    return { x: x + reach * Math.cos(radians), y: y + reach * Math.sin(radians) };
  }

  #string(pose: Pose, left: Point, right: Point, now: number, still: boolean): Point[] {
    const { floor, scale } = this.#stage;
    // Just pulled tight, the string hums: a standing wave that dies away.
    const since = now - this.#pulledAt;
    const hum = still || since > 1.6 ? 0 : 0.9 * Math.exp(-3.4 * since) * Math.cos(2 * Math.PI * 6.5 * since);
    return stringPoints({
      left, right, now, floor: floor + 4,
      sag: pose.sag * Math.max(30, floor - Math.min(left.y, right.y)),
      curl: Math.max(0, pose.curl) * Math.min(1, 0.55 + scale * 0.45), sway: pose.sway,
      droppedLeft: pose.dropLeft, droppedRight: pose.dropRight,
      waveHeight: 30 * scale,
      wave: (s) => (still ? 0 : this.#waves[0].at(s, now) + this.#waves[1].at(1 - s, now)) + hum * Math.sin(Math.PI * s),
    });
  }
}
