/** One page in one browser: the little that Playwright's and Puppeteer's pages have in common, by one name. */
import type { Page as ChromiumPage } from 'playwright-core';
import type { BrowserContext as FirefoxContext, KeyInput, Page as FirefoxPage } from 'puppeteer-core';
import { until } from './until.js';

export interface Tab {
  goto(url: string): Promise<void>;
  /** Waits until the element can be clicked, then clicks it with the mouse. */
  click(selector: string): Promise<void>;
  press(key: string): Promise<void>;
  /** Runs a function in the page. It must not use anything from outside of itself. */
  run<A, R>(work: (arg: A) => R | Promise<R>, arg: A): Promise<R>;
  /** The same, in whatever page is opened here from now on, before its own scripts. */
  prepare<A>(work: (arg: A) => void, arg: A): Promise<void>;
  /** What the page or the browser complains about. */
  onTrouble(hear: (text: string) => void): void;
  picture(path: string): Promise<void>;
  close(): Promise<void>;
}

const CLICK_WITHIN_MS = 8_000;

export function chromiumTab(page: ChromiumPage): Tab {
  return {
    goto: async (url) => void (await page.goto(url)),
    click: (selector) => page.click(selector, { timeout: CLICK_WITHIN_MS }),
    press: (key) => page.keyboard.press(key),
    run: (work, arg) => page.evaluate(work as never, arg),
    prepare: async (work, arg) => void (await page.addInitScript(work as never, arg)),
    onTrouble: (hear) => {
      page.on('pageerror', (error) => hear(String(error)));
      page.on('console', (message) => message.type() === 'error' && hear(message.text()));
    },
    picture: async (path) => void (await page.screenshot({ path })),
    close: () => page.close(),
  };
}

export function firefoxTab(page: FirefoxPage, context: FirefoxContext): Tab {
  return {
    goto: async (url) => void (await page.goto(url)),
    click: async (selector) => {
      const there = (css: string): boolean => document.querySelector(`${css}:enabled`)?.checkVisibility() ?? false;
      await until(`${selector} can be clicked`, () => page.evaluate(there, selector), CLICK_WITHIN_MS);
      await page.click(selector);
    },
    press: (key) => page.keyboard.press(key as KeyInput),
    run: (work, arg) => page.evaluate(work as never, arg) as never,
    prepare: async (work, arg) => void (await page.evaluateOnNewDocument(work as never, arg)),
    onTrouble: (hear) => {
      page.on('pageerror', (error) => hear(String(error)));
      page.on('console', (message) => message.type() === 'error' && hear(message.text()));
    },
    picture: async (path) => void (await page.screenshot({ path: path as `${string}.png` })),
    close: () => context.close(),
  };
}
