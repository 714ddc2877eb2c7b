/** The rows of the table: which two homes call each other, and what happens besides. */
import type { Kind } from './router.js';

export interface Row {
  readonly name: string;
  readonly a: Kind;
  /** `lan`: in the same home network as A. */
  readonly b: Kind | 'lan';
  /** Who uses Firefox and not Chromium. */
  readonly firefox?: 'A' | 'B';
  /** Whose public address changes in mid-call. */
  readonly moves?: 'A';
}

const KINDS: readonly Kind[] = ['open', 'fullcone', 'cone', 'symmetric', 'udp-blocked', 'tcp443'];

export const ROWS: readonly Row[] = [
  ...KINDS.flatMap((a, n) => KINDS.slice(n).map((b) => row(a, b))),
  row('cone', 'lan'),
  row('symmetric', 'lan'),
  row('udp-blocked', 'lan'),
  row('cone', 'symmetric', { firefox: 'B' }),
  row('cone', 'tcp443', { firefox: 'B' }),
  row('symmetric', 'cone', { firefox: 'A' }),
  row('cone', 'cone', { moves: 'A' }),
  row('symmetric', 'symmetric', { moves: 'A' }),
  row('udp-blocked', 'udp-blocked', { moves: 'A' }),
  row('tcp443', 'tcp443', { moves: 'A' }),
];

/** For each way that sound can take, one row; for whoever runs all tests. */
const FEW = ['cone-cone', 'cone-symmetric', 'udp-blocked-udp-blocked', 'tcp443-tcp443', 'symmetric-lan', 'cone-tcp443-firefox-b', 'symmetric-symmetric-move-a'];

/** `wanted`: `all`, names of rows with commas between them, or nothing for a few. */
export function choose(wanted = ''): readonly Row[] {
  if (wanted === 'all') return ROWS;
  const names = wanted === '' ? FEW : wanted.split(',').map((name) => name.trim());
  return names.map((name) => {
    const found = ROWS.find((one) => one.name === name);
    if (!found) throw new Error(`there is no row ${name}; there are: ${ROWS.map((one) => one.name).join(', ')}`);
    return found;
  });
}

/**
 * Whether there is a direct way (RFC 4787, RFC 8445): some UDP must pass at both ends, and where one side's port differs
 * for each peer, the other side must take packets from ports that it has not written to.
 */
export function hasDirectWay({ a, b }: Row): boolean {
  if (b === 'lan') return true;
  const ends = [a, b];
  if (ends.includes('udp-blocked') || ends.includes('tcp443')) return false;
  return !ends.includes('symmetric') || ends.includes('open') || ends.includes('fullcone');
}

function row(a: Kind, b: Row['b'], more: Pick<Row, 'firefox' | 'moves'> = {}): Row {
  const { firefox, moves } = more;
  const name = `${a}-${b}${firefox ? `-firefox-${firefox.toLowerCase()}` : ''}${moves ? `-move-${moves.toLowerCase()}` : ''}`;
  return { name, a, b, ...more };
}
