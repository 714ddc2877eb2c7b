/** What the lab found, as a Markdown table. */
import type { Candidate } from '../rig/probe.js';
import type { Row } from './rows.js';

export interface Found {
  readonly row: Row;
  /** Selected local candidates of A and B. */
  readonly ways?: readonly [Candidate | undefined, Candidate | undefined];
  /** From the click on Accept until both had heard the other's tone. */
  readonly toneMs?: number;
  /** How long no packet came after the path broke, at A and at B. */
  readonly silentMs?: readonly [number, number];
  readonly fault?: string;
}

const WORDS = { move: 'A gets another address', restart: 'the server is killed and started again' } as const;

export function table(all: readonly Found[]): string {
  const lines = all.map(({ row, ways, toneMs, silentMs, fault }) => {
    const heard = fault === undefined ? 'both ways' : '**no**';
    const path = ways ? ways.map(way).join(' ; ') : '';
    const notes = [
      row.firefox && `${row.firefox} is Firefox`,
      row.relayOnly && 'relay_only',
      row.meanwhile && WORDS[row.meanwhile],
      silentMs && `A hears nothing for ${silentMs[0]} ms, B for ${silentMs[1]} ms`,
      fault,
    ].filter((note) => note !== undefined);
    return `| ${row.a} | ${row.b} | ${heard} | ${path} | ${toneMs ?? ''} | ${notes.join('; ')} |`;
  });
  return ['| A | B | tone heard | path at A ; at B | accept to tone at both, ms | |', '|---|---|---|---|---|---|', ...lines, '', summary(all), ''].join('\n');
}

function summary(all: readonly Found[]): string {
  const good = all.filter(({ fault }) => fault === undefined);
  const times = good.flatMap(({ toneMs }) => toneMs ?? []).sort((x, y) => x - y);
  const at = (share: number): number | undefined => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  return `${good.length} of ${all.length} rows were heard both ways; accept to tone: median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms.`;
}

/** Such as `srflx/udp`, or `relay(tls)/udp`: by TLS to the relay, and from there by UDP. */
function way(candidate: Candidate | undefined): string {
  if (!candidate) return '?';
  const { type, protocol, relayProtocol } = candidate;
  return `${type}${type === 'relay' ? `(${relayProtocol ?? '?'})` : ''}/${protocol}`;
}
