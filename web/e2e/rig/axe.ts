/** Looks for accessibility faults in what a page shows now. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Person } from './person.js';
import { until } from './until.js';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const SCHEMES = ['light', 'dark'] as const;

/** Every fault, in light and in dark, as sentences. */
export async function faults(person: Person): Promise<string[]> {
  const { page } = person.chromium;
  const found: string[] = [];
  for (const colorScheme of SCHEMES) {
    // A picture that moves is judged by chance; and whoever asks for less motion must be served, too.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await until('nothing moves', () => page.evaluate(() => document.getAnimations().every(({ playState }) => playState !== 'running')));
    await page.evaluate(SOURCE);
    const { violations } = await page.evaluate(() => (globalThis as never as { axe: typeof axe }).axe.run());
    for (const { id, help, nodes } of violations) {
      found.push(`${colorScheme}: ${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
    }
  }
  return found;
}
