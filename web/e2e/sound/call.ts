/** One call at one loss: made, left alone until it has adapted, and then measured. */
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { chromiumContext } from '../rig/browsers.js';
import { Network } from '../rig/network.js';
import { until } from '../rig/until.js';
import { RATE, writeWav, type WavFile } from '../rig/tone.js';
import type { Reading } from './page/sound.js';

/** Loss is told by the other side each 5 s and has to last for 5 s; then the tuning has to show. */
const ADAPT_S = 20;
const READ_EVERY_MS = 1_000;

export interface Place {
  /** Where the page is, and the server that it talks to. */
  readonly page: string;
  readonly server: string;
  readonly speech: WavFile;
  readonly folder: string;
}

export interface Condition {
  readonly loss: number;
  /** Without what the SDK does about it. */
  readonly plain: boolean;
}

export interface Measured extends Condition {
  /** Shares of what the listener was to get, 0 to 1. */
  readonly lost: number;
  readonly concealed: number;
  /** Sound that was sent, without what packets cost. */
  readonly kbps: number;
  /** The mean of the SDK's own score over the seconds. */
  readonly mos: number;
  readonly heard: string;
}

export async function measure({ page, server, speech, folder }: Place, { loss, plain }: Condition, seconds: number): Promise<Measured> {
  const [speaker, listener] = await Promise.all([chromiumContext(speech), chromiumContext('silent')]);
  try {
    const [a, b] = await Promise.all([open(speaker, page), open(listener, page)]);
    // There before the connection is made, as rules bind to it then.
    const network = await Network.of({ chromium: { page: a, context: speaker, frames: [] } });
    const names = [`a${loss}-${plain}`, `b${loss}-${plain}`] as const;
    await Promise.all([a, b].map((side, n) => side.evaluate(([to, name, plain]) => window.sound.register(to, name, plain), [server, names[n]!, plain] as const)));
    await a.evaluate((to) => window.sound.connect(to), names[1]);
    await b.evaluate(() => window.sound.accept());
    await until('both are connected', async () => (await a.evaluate(() => window.sound.connected())) && b.evaluate(() => window.sound.connected()));
    await network.spoil({ packetLoss: loss });
    await b.waitForTimeout(ADAPT_S * 1000);
    return await listen(a, b, { loss, plain }, seconds, `${join(folder, `heard-${loss}-${plain ? 'plain' : 'tincan'}`)}.wav`);
  } finally {
    await Promise.all([speaker.close(), listener.close()]);
  }
}

async function listen(a: Page, b: Page, condition: Condition, seconds: number, path: WavFile): Promise<Measured> {
  const read = (side: Page): Promise<Reading> => side.evaluate(() => window.sound.read());
  const [said, heard] = await Promise.all([read(a), read(b)]);
  const scores: number[] = [];
  const reading = setInterval(() => void read(b).then(({ quality }) => quality && scores.push(quality.mos), () => {}), READ_EVERY_MS);
  const recorded = await b.evaluate((s) => window.sound.record(s), seconds);
  clearInterval(reading);
  const [saidNow, heardNow] = await Promise.all([read(a), read(b)]);
  if (recorded.rate !== RATE) throw new Error(`recorded at ${recorded.rate} Hz`);
  const since = (name: 'packetsReceived' | 'packetsLost' | 'concealedSamples' | 'silentConcealedSamples' | 'totalSamples'): number =>
    (heardNow.sample[name] ?? 0) - (heard.sample[name] ?? 0);
  const bits = 8 * (saidNow.sample.bytesSent - said.sample.bytesSent);
  return {
    ...condition,
    lost: since('packetsLost') / (since('packetsLost') + since('packetsReceived')),
    concealed: (since('concealedSamples') - since('silentConcealedSamples')) / since('totalSamples'),
    kbps: bits / (saidNow.sample.at - said.sample.at),
    mos: scores.reduce((sum, mos) => sum + mos, 0) / scores.length,
    heard: writeWav(path, floats(recorded.samples)),
  };
}

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => 'sound' in window);
  return page;
}

function floats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i) / 0x7fff);
}
