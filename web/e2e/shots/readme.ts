/** The pictures in the README: one real call, seen on a desk and on a phone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';
import { until } from '../rig/until.js';
import { withPalette } from './palette.js';

const FOLDER = fileURLToPath(new URL('../../../docs/images', import.meta.url));
const MOST_BYTES = 250 * 1024;
/** Long enough that the timer shows a call and not a beginning. */
const TALK_S = 12;

journey('a call between a desk and a phone has its picture taken', async (world) => {
  const { a, b } = await talking(world, {
    a: { look: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' } },
    b: { look: { viewport: { width: 390, height: 844 }, colorScheme: 'dark', deviceScaleFactor: 2, isMobile: true, hasTouch: true } },
  });
  const seconds = (): Promise<number> => a.tab.run(() => Number(/(\d+)S$/.exec(document.querySelector('#timer')?.getAttribute('datetime') ?? '')?.[1] ?? 0), null);
  await until('they talked for a while', async () => (await seconds()) >= TALK_S, 30_000);
  mkdirSync(FOLDER, { recursive: true });
  for (const [person, name] of [[a, 'call-desktop'], [b, 'call-phone']] as const) {
    // A ring around the button that was pressed last says nothing here.
    await person.tab.run(() => (document.activeElement as HTMLElement | null)?.blur(), null);
    const picture = withPalette(await person.chromium.page.screenshot());
    expect(picture.length).toBeLessThanOrEqual(MOST_BYTES);
    writeFileSync(join(FOLDER, `${name}.png`), picture);
  }
});
