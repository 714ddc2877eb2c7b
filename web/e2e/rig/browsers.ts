/** The browsers. Each is started once for a file of journeys; each person in it gets a context of their own. */
import type { ChildProcess } from 'node:child_process';
import { chromium, type Browser as Chromium, type BrowserContextOptions, type BrowserContext as ChromiumContext } from 'playwright-core';
import puppeteer, { type Browser as Firefox, type BrowserContext as FirefoxContext } from 'puppeteer-core';
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

const chromiums = new Map<Microphone, Promise<Chromium>>();
let firefox: Promise<Firefox> | undefined;
const ends: (() => Promise<void>)[] = [];

export async function chromiumContext(microphone: Microphone, look: BrowserContextOptions = {}): Promise<ChromiumContext> {
  let browser = chromiums.get(microphone);
  if (!browser) chromiums.set(microphone, (browser = startChromium(microphone)));
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

async function startChromium(microphone: Microphone): Promise<Chromium> {
  const server = await chromium.launchServer({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--allow-loopback-in-peer-connection',
      // A relay's certificate that a test made is as good as any; what is tested is not certificates.
      '--ignore-certificate-errors',
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
