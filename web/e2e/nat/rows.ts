/** The rows of the table: which two homes call each other, and what happens besides. */
import type { Kind } from './router.js';

export interface Row {
  readonly name: string;
  readonly a: Kind;
  /** `lan`: in the same home network as A. */
  readonly b: Kind | 'lan';
  /** Who uses Firefox and not Chromium. */
  readonly firefox?: 'A' | 'B';
  /** In mid-call A's public address changes, or the server is killed and started again. */
  readonly meanwhile?: 'move' | 'restart';
  /** Whether the server wants all sound to go by its relay, so that nobody learns where the other is. */
  readonly relayOnly?: true;
}

const KINDS: readonly Kind[] = ['open', 'fullcone', 'cone', 'symmetric', 'udp-blocked', 'tcp443'];

export const ROWS: readonly Row[] = [
  ...KINDS.flatMap((a, n) => KINDS.slice(n).map((b) => row(a, b))),
  row('cone', 'lan'),
  row('symmetric', 'lan'),
  row('udp-blocked', 'lan'),
  row('ipv6', 'ipv6'),
  row('ipv6', 'cone'),
  row('ipv6', 'symmetric'),
  row('ipv6', 'tcp443'),
  row('cone', 'symmetric', { firefox: 'B' }),
  row('cone', 'tcp443', { firefox: 'B' }),
  row('symmetric', 'cone', { firefox: 'A' }),
  row('ipv6', 'cone', { firefox: 'A' }),
  row('cone', 'cone', { relayOnly: true }),
  row('cone', 'cone', { meanwhile: 'move' }),
  row('symmetric', 'symmetric', { meanwhile: 'move' }),
  row('udp-blocked', 'udp-blocked', { meanwhile: 'move' }),
  row('tcp443', 'tcp443', { meanwhile: 'move' }),
  row('symmetric', 'symmetric', { meanwhile: 'restart' }),
  row('tcp443', 'tcp443', { meanwhile: 'restart' }),
];

/** For each way that sound can take, one row; for whoever runs all tests. */
const FEW = ['cone-cone', 'cone-symmetric', 'udp-blocked-udp-blocked', 'tcp443-tcp443', 'symmetric-lan', 'ipv6-cone', 'cone-tcp443-firefox-b', 'symmetric-symmetric-move'];

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
 * Whether there is a direct way (RFC 4787, RFC 8445): some UDP must pass at both ends, by the same version of IP, and where
 * one side's port differs for each peer, the other side must take packets from ports that it has not written to.
 */
export function hasDirectWay({ a, b, relayOnly }: Row): boolean {
  if (relayOnly) return false;
  if (b === 'lan') return true;
  const ends = [a, b];
  if (ends.includes('ipv6')) return a === b;
  if (ends.includes('udp-blocked') || ends.includes('tcp443')) return false;
  return !ends.includes('symmetric') || ends.includes('open') || ends.includes('fullcone');
}

function row(a: Kind, b: Row['b'], more: Omit<Row, 'name' | 'a' | 'b'> = {}): Row {
  const { firefox, meanwhile, relayOnly } = more;
  const parts = [a, b, firefox && `firefox-${firefox.toLowerCase()}`, meanwhile, relayOnly && 'relay-only'];
  return { name: parts.filter((part) => part !== undefined).join('-'), a, b, ...more };
}
