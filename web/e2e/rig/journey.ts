/**
 * A journey: one rule, shown with real browsers and a server of its own. What is shown on the way stays as evidence if
 * it fails; and in none may a page complain or break its Content-Security-Policy.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { test } from 'vitest';
import { chromiumContext, firefoxContext, VOICE, type Microphone } from './browsers.js';
import { frames } from './frames.js';
import { Person } from './person.js';
import type { Place } from './place.js';
import { install } from './probe.js';
import { Server } from './server.js';
import { chromiumTab, firefoxTab } from './tab.js';

const OUT = fileURLToPath(new URL('../out', import.meta.url));

/** Said by browsers about a connection that is lost; it is not the page's doing. */
const BROWSERS_OWN = /WebSocket connection to|can.t establish a connection to the server|connection to ws:.* was interrupted|Failed to load resource/;

export interface Entrance {
  /** Whose page; decides the voice, too. */
  readonly as: 'A' | 'B';
  readonly browser?: 'chromium' | 'firefox';
  /** Other names than `clientA` and `clientB`. */
  readonly names?: { readonly guest: string; readonly peer: string };
  /** Another tab of this person's browser. */
  readonly beside?: Person;
  /** Another microphone than one that hears this person's tone. */
  readonly microphone?: Microphone;
  readonly look?: BrowserContextOptions;
  /** Where their browser runs. */
  readonly place?: Place;
  /** A page of another address at the same server. */
  readonly path?: string;
  /** Called before the page is opened. */
  readonly before?: (person: Person) => Promise<void>;
}

export class World {
  readonly server: Server;
  /** Where people find the server's pages. */
  origin: string;
  readonly people: Person[] = [];
  /** Figures worth telling. */
  readonly figures: string[] = [];

  constructor(server: Server) {
    this.server = server;
    this.origin = server.origin;
  }

  async enter(entrance: Entrance): Promise<Person> {
    const { as, names, path = `/caller${as}.html`, before } = entrance;
    const query = names ? `?${new URLSearchParams(names)}` : '';
    const name = `${names?.guest ?? `client${as}`}${entrance.beside ? "'s other tab" : ''}`;
    const person = entrance.browser === 'firefox' ? await inFirefox(name, entrance) : await inChromium(name, entrance);
    this.people.push(person);
    await before?.(person);
    await person.tab.goto(this.origin + path + query);
    return person;
  }

  tell(figure: string): void {
    this.figures.push(figure);
  }

  /** What no journey may leave behind. */
  async check(): Promise<void> {
    for (const person of this.people) {
      const broken = await person.probe('violations');
      const troubles = person.troubles.filter((text) => !BROWSERS_OWN.test(text));
      if (broken.length + troubles.length > 0) throw new Error(`${person.name}'s page complained: ${[...broken, ...troubles].join('; ')}`);
    }
  }

  async keepEvidence(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'server.log'), this.server.log);
    for (const [n, person] of this.people.entries()) {
      const file = `${n + 1}-${person.name.replace(/\W+/g, '-')}`;
      await person.tab.picture(join(folder, `${file}.png`)).catch(() => {});
      const seen = await person.see().catch(String);
      const states = await person.probe('states').catch(String);
      const sound = await person.probe('report').catch(String);
      const heard = await person.probe('hears').catch(String);
      const story = { seen, states, heard, sound, troubles: person.troubles, frames: person.traffic };
      writeFileSync(join(folder, `${file}.json`), JSON.stringify(story, null, 1));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.people.map((person) => person.leave()));
    await this.server.stop();
  }
}

export interface Settings {
  /** Settings of the server; a function where they are known only when the journey begins. */
  readonly env?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  readonly within?: number;
}

/** Declares a test. */
export function journey(rule: string, walk: (world: World) => Promise<void>, { env, within }: Settings = {}): void {
  test(rule, async ({ annotate }) => {
    const world = new World(await Server.start(typeof env === 'function' ? env() : env));
    await walkThrough(rule, world, walk).finally(async () => {
      for (const figure of world.figures) await annotate(figure, 'figure');
    });
  }, within);
}

/** Walks, keeps the evidence if that fails, and closes the world. */
export async function walkThrough<W extends World>(rule: string, world: W, walk: (world: W) => Promise<void>): Promise<void> {
  const folder = join(OUT, rule.replace(/\W+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  try {
    await walk(world);
    await world.check();
  } catch (error) {
    await world.keepEvidence(folder);
    throw error;
  } finally {
    await world.close();
  }
}

async function inChromium(name: string, { as, beside, look, microphone = VOICE[as], place }: Entrance): Promise<Person> {
  const context = beside ? beside.chromium.context : await chromiumContext(microphone, look, place);
  if (!beside) await context.addInitScript(install);
  const page = await context.newPage();
  return new Person(name, chromiumTab(page), { page, context, frames: frames(page) });
}

async function inFirefox(name: string, { place }: Entrance): Promise<Person> {
  const context = await firefoxContext(place);
  const page = await context.newPage();
  await page.evaluateOnNewDocument(install);
  return new Person(name, firefoxTab(page, context));
}
