import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, test } from 'vitest';
import { walkThrough } from '../rig/journey.js';
import { Lab } from './lab.js';
import { choose, type Row } from './rows.js';
import { table, type Found } from './table.js';
import { walk } from './walk.js';

const found: Found[] = [];

for (const row of choose(process.env['ROWS'])) {
  test(`${row.name}: ${rule(row)}`, async () => {
    const at = found.push({ row }) - 1;
    const note = (more: Partial<Found>): void => void (found[at] = { ...found[at]!, ...more });
    try {
      await walkThrough(`nat-${row.name}`, await Lab.open(row), (lab) => walk(lab, row, note));
    } catch (error) {
      note({ fault: String(error).split('\n')[0]!.slice(0, 160).replaceAll('|', '/') });
      throw error;
    }
  });
}

afterAll(() => {
  const out = fileURLToPath(new URL('../out', import.meta.url));
  mkdirSync(out, { recursive: true });
  writeFileSync(`${out}/nat.md`, table(found));
});

function rule({ meanwhile, relayOnly }: Row): string {
  if (relayOnly) return 'each hears the other, and neither is told where the other is';
  if (meanwhile === 'move') return "each hears the other, also after A's address changed";
  if (meanwhile === 'restart') return 'each hears the other, also after the server that relays was killed and started again';
  return 'each hears the other, by a relay only where there is no other way';
}
