/** The browsers. Each is started once for a file of journeys; each person in it gets a context of their own. */
import type { ChildProcess } from 'node:child_process';
import { chromium, type Browser as Chromium, type BrowserContextOptions, type BrowserContext as ChromiumContext } from 'playwright-core';
import puppeteer, { type Browser as Firefox, type BrowserContext as FirefoxContext } from 'puppeteer-core';
import { adopt, end, scratch } from './processes.js';
import { soundCard } from './pulse.js';
import { writeTone } from './tone.js';

/** What a person says, in hertz. Firefox makes its tone itself. */
export const VOICE = { A: 440, B: 880, firefox: 660 } as const;

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FIREFOX = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
const CLOSE_MS = 5_000;

const tones = new Map<number, string>();
/** By what they say. */
const chromiums = new Map<string, Promise<Chromium>>();
let firefox: Promise<Firefox> | undefined;
const ends: (() => Promise<void>)[] = [];

export async function chromiumContext(hz: number, look: BrowserContextOptions = {}): Promise<ChromiumContext> {
  const tone = tones.get(hz) ?? writeTone(scratch('tone'), hz);
  tones.set(hz, tone);
  return chromiumSaying(tone, look);
}

/** One whose microphone hears a WAV file over and over. */
export async function chromiumSaying(file: string, look: BrowserContextOptions = {}): Promise<ChromiumContext> {
  let browser = chromiums.get(file);
  if (!browser) chromiums.set(file, (browser = startChromium(file)));
  return (await browser).newContext(look);
}

export async function firefoxContext(): Promise<FirefoxContext> {
  firefox ??= startFirefox();
  return (await firefox).createBrowserContext();
}

export async function closeBrowsers(): Promise<void> {
  chromiums.clear();
  firefox = undefined;
  await Promise.all(ends.splice(0).map((close) => close()));
}

async function startChromium(file: string): Promise<Chromium> {
  const server = await chromium.launchServer({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${file}`,
      '--allow-loopback-in-peer-connection',
    ],
  });
  const browser = await chromium.connect(server.wsEndpoint());
  remember(server.process(), () => server.close());
  return browser;
}

async function startFirefox(): Promise<Firefox> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    userDataDir: scratch('firefox'),
    env: { ...process.env, ...(await soundCard()), MOZ_CRASHREPORTER_DISABLE: '1' },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.navigator.audio.fake_frequency': VOICE.firefox,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.autoplay.default': 0,
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
