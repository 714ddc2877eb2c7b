/**
 * Makes a screenshot small: a PNG of 256 colours instead of 16 million. Browsers sprinkle gradients with noise that nobody
 * sees and that does not pack; a palette has no room for it.
 *
 * Only what browsers write is read: 8 bits, RGB or RGBA, not interlaced.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const COLOURS = 256;
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Colours are counted with 6 bits for each of red, green and blue. */
const BITS = 6;

interface Raster {
  readonly width: number;
  readonly height: number;
  /** Three bytes for each pixel. */
  readonly rgb: Uint8Array;
}

export function withPalette(png: Buffer): Buffer {
  const { width, height, rgb } = read(png);
  const boxes = cut(count(rgb));
  const nearest = new Uint8Array(1 << (3 * BITS));
  boxes.forEach((box, n) => box.forEach(({ key }) => (nearest[key] = n)));
  const lines = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < width * height; i += 1) {
    lines[i + Math.floor(i / width) + 1] = nearest[keyOf(rgb, 3 * i)]!;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8); // 8 bits, palette
  const palette = Buffer.from(boxes.flatMap(mean));
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', palette), chunk('IDAT', deflateSync(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

interface Shade {
  readonly key: number;
  /** How many pixels have it, and the sums of their red, green and blue. */
  pixels: number;
  readonly sum: [number, number, number];
}

function keyOf(rgb: Uint8Array, at: number): number {
  const drop = 8 - BITS;
  return ((rgb[at]! >> drop) << (2 * BITS)) | ((rgb[at + 1]! >> drop) << BITS) | (rgb[at + 2]! >> drop);
}

function count(rgb: Uint8Array): Shade[] {
  const shades = new Map<number, Shade>();
  for (let at = 0; at < rgb.length; at += 3) {
    const key = keyOf(rgb, at);
    let shade = shades.get(key);
    if (!shade) shades.set(key, (shade = { key, pixels: 0, sum: [0, 0, 0] }));
    shade.pixels += 1;
    for (const c of [0, 1, 2] as const) shade.sum[c] += rgb[at + c]!;
  }
  return [...shades.values()];
}

/** Median cut: the box that differs most within is split, until there are as many boxes as colours. */
function cut(shades: Shade[]): Shade[][] {
  const boxes = [shades];
  while (boxes.length < COLOURS) {
    const widest = boxes.map((box, n) => ({ n, ...spread(box) })).sort((x, y) => y.weight - x.weight)[0];
    if (!widest || widest.weight === 0) break;
    const box = boxes[widest.n]!.sort((x, y) => level(x, widest.channel) - level(y, widest.channel));
    const half = box.reduce((sum, { pixels }) => sum + Math.sqrt(pixels), 0) / 2;
    let at = 0;
    for (let sum = 0; at < box.length - 1 && (at === 0 || sum < half); at += 1) sum += Math.sqrt(box[at]!.pixels);
    boxes.splice(widest.n, 1, box.slice(0, at), box.slice(at));
  }
  return boxes;
}

function spread(box: Shade[]): { channel: 0 | 1 | 2; weight: number } {
  const ranges = ([0, 1, 2] as const).map((channel) => {
    const levels = box.map((shade) => level(shade, channel));
    return { channel, range: Math.max(...levels) - Math.min(...levels) };
  });
  const { channel, range } = ranges.sort((x, y) => y.range - x.range)[0]!;
  return { channel, weight: range * Math.sqrt(box.reduce((sum, { pixels }) => sum + pixels, 0)) };
}

function level({ sum, pixels }: Shade, channel: 0 | 1 | 2): number {
  return sum[channel] / pixels;
}

function mean(box: Shade[]): number[] {
  const pixels = box.reduce((all, shade) => all + shade.pixels, 0);
  return [0, 1, 2].map((c) => Math.round(box.reduce((all, { sum }) => all + sum[c]!, 0) / pixels));
}

function read(png: Buffer): Raster {
  let head: Buffer = Buffer.alloc(0);
  const packed: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') head = body;
    if (type === 'IDAT') packed.push(body);
    at += 12 + length;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const size = { 2: 3, 6: 4 }[head[9]!];
  if (head[8] !== 8 || size === undefined || head[12] !== 0) throw new Error('not a PNG as browsers write it');
  const plain = unfilter(inflateSync(Buffer.concat(packed)), width * size, size);
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i += 1) rgb.set(plain.subarray(size * i, size * i + 3), 3 * i);
  return { width, height, rgb };
}

/** Each line says in its first byte how its bytes differ from their neighbours (PNG §9). */
function unfilter(lines: Buffer, stride: number, size: number): Uint8Array {
  const height = lines.length / (stride + 1);
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = lines[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x < size ? 0 : out[at - size]!;
      const up = y === 0 ? 0 : out[at - stride]!;
      const corner = x < size || y === 0 ? 0 : out[at - stride - size]!;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter!]!;
      out[at] = lines[y * (stride + 1) + 1 + x]! + guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [l, u, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return l <= u && l <= c ? left : u <= c ? up : corner;
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(body.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
