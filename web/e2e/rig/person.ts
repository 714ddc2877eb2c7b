/** A person at one of the caller pages: clicks what a person clicks, sees what a person sees, hears what a person hears. */
import type { BrowserContext as ChromiumContext, Page as ChromiumPage } from 'playwright-core';
import type { Frame } from './frames.js';
import type { Heard, Probe } from './probe.js';
import type { Tab } from './tab.js';
import { until, untilSeen } from './until.js';

export type Button = 'connect' | 'call' | 'accept' | 'reject' | 'hangup' | 'mute' | 'unblock' | 'disconnect';

/** What the page shows. */
export interface Seen {
  /** `data-state` of the server and of the call. */
  readonly server: string;
  readonly call: string;
  /** The large word, for a person. */
  readonly headline: string;
  readonly detail: string;
  /** `data-reason` and the sentence of how the call ended. */
  readonly reason: string;
  readonly why: string;
  readonly error: string;
}

export interface Chromium {
  readonly page: ChromiumPage;
  readonly context: ChromiumContext;
  readonly frames: readonly Frame[];
}

/** A tone counts as the wanted one if it is this close. */
const NEAR_HZ = 12;

export class Person {
  readonly name: string;
  readonly tab: Tab;
  readonly troubles: string[] = [];
  /** How often they had to click. */
  clicks = 0;
  readonly #chromium: Chromium | undefined;

  constructor(name: string, tab: Tab, chromium?: Chromium) {
    this.name = name;
    this.tab = tab;
    this.#chromium = chromium;
    tab.onTrouble((text) => this.troubles.push(text));
  }

  /** For what only Chromium can do. */
  get chromium(): Chromium {
    if (!this.#chromium) throw new Error(`${this.name} uses another browser`);
    return this.#chromium;
  }

  /** What passed between the page and the server, as far as the browser tells. */
  get traffic(): readonly Frame[] {
    return this.#chromium?.frames ?? [];
  }

  async leave(): Promise<void> {
    await (this.#chromium?.context.close() ?? this.tab.close()).catch(() => {});
  }

  async click(button: Button): Promise<void> {
    await this.tab.click(`#${button}`);
    this.clicks += 1;
  }

  /** Connects to the server, and waits for it. */
  async connect(): Promise<void> {
    await this.click('connect');
    await this.untilServer('registered');
  }

  see(): Promise<Seen> {
    return this.tab.run(() => {
      // Another page than ours has none of it.
      const at = (id: string): HTMLElement => document.getElementById(id) ?? document.createElement('i');
      const text = (id: string): string => (at(id).hidden ? '' : (at(id).textContent ?? ''));
      return {
        server: at('server-status').dataset['state'] ?? '',
        call: at('call-state').dataset['state'] ?? '',
        headline: text('call-state'),
        detail: text('call-detail'),
        reason: at('end-reason').dataset['reason'] ?? '',
        why: text('end-reason'),
        error: text('error'),
      };
    }, null);
  }

  untilServer(state: string, within?: number): Promise<Seen> {
    return untilSeen(`${this.name}'s page is ${state}`, () => this.see(), (now) => now.server === state, within);
  }

  untilCall(state: string, within?: number): Promise<Seen> {
    return untilSeen(`${this.name}'s call is ${state}`, () => this.see(), (now) => now.call === state, within);
  }

  untilEnded(reason: string, within?: number): Promise<Seen> {
    return untilSeen(`${this.name}'s call ended as ${reason}`, () => this.see(), (now) => now.call === 'ended' && now.reason === reason, within);
  }

  /** Asks the instruments in the page; see probe.ts. */
  probe<K extends keyof Probe>(what: K): Promise<Awaited<ReturnType<Probe[K]>>> {
    return this.tab.run((name) => window.tincanProbe[name]() as never, what);
  }

  async hears(hz: number, within?: number): Promise<Heard> {
    return untilSeen(`${this.name} hears ${hz} Hz`, () => this.probe('hears'), (heard) => isTone(heard, hz), within);
  }

  /** Waits until nothing comes from the speaker's line any more: no tone at all. */
  async hearsNothing(within?: number): Promise<void> {
    await untilSeen(`${this.name} hears nothing`, () => this.probe('hears'), ({ loud }) => !loud, within);
  }

  /** Waits until the microphone is closed again. */
  async untilSilent(): Promise<void> {
    await until(`${this.name}'s microphone is closed`, async () => (await this.probe('microphone')).open === 0);
  }

  /** Whether a button is there and can be pressed. */
  can(button: Button): Promise<boolean> {
    return this.tab.run((id) => {
      const element = document.getElementById(id);
      return element instanceof HTMLButtonElement && element.checkVisibility() && !element.disabled && element.ariaDisabled !== 'true';
    }, button);
  }
}

function isTone({ hz, tone }: Heard, wanted: number): boolean {
  return tone && Math.abs(hz - wanted) <= NEAR_HZ;
}
