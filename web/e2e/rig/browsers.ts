/** The browsers. Each is started once in its place for a file of journeys; each person in it gets a context of their own. */
import type { ChildProcess } from 'node:child_process';
import { chromium, type Browser as Chromium, type BrowserContextOptions, type BrowserContext as ChromiumContext } from 'playwright-core';
import puppeteer, { type Browser as Firefox, type BrowserContext as FirefoxContext } from 'puppeteer-core';
import { HERE, type Place } from './place.js';
import { adopt, end, scratch } from './processes.js';
import { soundCard } from './pulse.js';
import { writeVoice, type WavFile } from './tone.js';

/** What a person says, in hertz. Firefox makes its tone itself. */
export const VOICE = { A: 440, B: 880, firefox: 660 } as const;

/** What a microphone hears: a tone, words with pauses between them, nothing, a file over and over; or it is not there, or not allowed. */
export type Microphone = number | 'words' | 'silent' | WavFile | 'missing' | 'denied';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FIREFOX = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
const CLOSE_MS = 5_000;

/** By what they say, and where. */
const chromiums = new Map<string, Promise<Chromium>>();
const firefoxes = new Map<string, Promise<Firefox>>();
const ends: (() => Promise<void>)[] = [];

export async function chromiumContext(microphone: Microphone, look: BrowserContextOptions = {}, place = HERE): Promise<ChromiumContext> {
  const key = `${microphone} ${place.name}`;
  let browser = chromiums.get(key);
  if (!browser) chromiums.set(key, (browser = startChromium(microphone, place)));
  return (await browser).newContext(look);
}

export async function firefoxContext(place = HERE): Promise<FirefoxContext> {
  let browser = firefoxes.get(place.name);
  if (!browser) firefoxes.set(place.name, (browser = startFirefox(place)));
  return (await browser).createBrowserContext();
}

export async function closeBrowsers(): Promise<void> {
  chromiums.clear();
  firefoxes.clear();
  await Promise.all(ends.splice(0).map((close) => close()));
}

async function startChromium(microphone: Microphone, place: Place): Promise<Chromium> {
  const server = await chromium.launchServer({
    executablePath: place.starts(CHROMIUM),
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ...place.chromiumArgs,
      ...microphoneFlags(microphone),
    ],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  remember(server.process(), () => server.close());
  return browser;
}

function microphoneFlags(microphone: Microphone): string[] {
  switch (microphone) {
    case 'missing':
      return [];
    case 'denied':
      return ['--use-fake-device-for-media-stream'];
    default:
      return [
        '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
        `--use-file-for-fake-audio-capture=${isFile(microphone) ? microphone : writeVoice(scratch('tone'), microphone)}`,
      ];
  }
}

function isFile(microphone: Microphone): microphone is WavFile {
  return String(microphone).endsWith('.wav');
}

async function startFirefox(place: Place): Promise<Firefox> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: place.starts(FIREFOX),
    headless: true,
    acceptInsecureCerts: place.anyCertificate ?? false,
    ...(place.firefoxPort !== undefined && { debuggingPort: place.firefoxPort }),
    userDataDir: scratch('firefox'),
    env: { ...process.env, ...(await soundCard()), MOZ_CRASHREPORTER_DISABLE: '1' },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.navigator.audio.fake_frequency': VOICE.firefox,
      'media.autoplay.default': 0,
      ...place.firefoxPrefs,
    },
  });
  remember(browser.process(), () => browser.close());
  return browser;
}

function remember(process: ChildProcess | null, close: () => Promise<void>): void {
  if (process) adopt(process);
  ends.push(async () => {
    const tooLong = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([close().catch(() => {}), tooLong]);
    if (process) await end(process, 'SIGKILL');
  });
}
