/**
 * Measures what loss does to speech, with and without what the SDK does about it, and prints a table. Not a test: nothing
 * is expected of the figures.
 *
 * `LOSS=0,10 npm run sound` for other losses, `SECONDS=60` for longer recordings, `PYTHON` for the Python that has PESQ.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { test } from 'vitest';
import { scratch } from '../rig/processes.js';
import { Server } from '../rig/server.js';
import { measure, type Measured, type Place } from './call.js';
import { writeSpeech } from './speech.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const LOSSES = (process.env['LOSS'] ?? '0,2,5,10,18').split(',').map(Number);
const SECONDS = Number(process.env['SECONDS'] ?? 45);
const PYTHON = process.env['PYTHON'] ?? 'python3';

test('speech is measured at each loss', async () => {
  const folder = scratch('sound');
  const speech = writeSpeech(folder);
  if (SECONDS < 2 * speech.seconds) throw new Error(`SECONDS is at least ${Math.ceil(2 * speech.seconds)}: the speech has to be heard once from its beginning to its end`);
  const pages = await createServer({ root: `${HERE}/page`, configFile: false, logLevel: 'error', server: { host: 'localhost', port: 0, hmr: false, fs: { allow: [`${HERE}/../..`] } } });
  await pages.listen();
  const page = pages.resolvedUrls?.local[0];
  if (!page) throw new Error('the page is nowhere');
  const server = await Server.start({ TINCAN_SERVER__PUBLIC_ORIGINS: new URL(page).origin });
  try {
    const place: Place = { page, server: `${server.origin.replace('http', 'ws')}/ws`, speech: speech.path, folder };
    const all: Measured[] = [];
    for (const loss of LOSSES) {
      for (const plain of [true, false]) {
        console.log(`${loss} %, ${plain ? 'the browser alone' : 'with Tincan'} …`);
        all.push(await measure(place, { loss, plain }, SECONDS));
      }
    }
    print(all, score(speech.path, all.map(({ heard }) => heard)));
  } finally {
    await server.stop();
    await pages.close();
  }
}, LOSSES.length * 2 * (SECONDS + 60) * 1000);

/** A score for each recording, or a reason why there is none. */
function score(said: string, heard: string[]): string[] {
  try {
    const lines = execFileSync(PYTHON, [`${HERE}/score.py`, said, ...heard], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return lines.trim().split('\n').map((line) => (JSON.parse(line) as { pesq: number }).pesq.toFixed(2));
  } catch (error) {
    console.warn(`no PESQ: ${PYTHON} needs numpy and pesq (pip install numpy pesq)`, String(error));
    return heard.map(() => 'none');
  }
}

function print(all: Measured[], pesq: string[]): void {
  const percent = (share: number): string => (100 * share).toFixed(2);
  const rows = all.map(({ loss, plain, lost, concealed, kbps, mos }, n) =>
    [`${loss} %`, plain ? 'browser' : 'Tincan', percent(lost), percent(concealed), kbps.toFixed(1), mos.toFixed(2), pesq[n]]);
  const head = ['loss set', 'who', 'lost %', 'made up %', 'kbit/s', 'score', 'PESQ'];
  console.log([head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n'));
}
