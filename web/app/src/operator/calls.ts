/**
 * What `GET /calls` of the metrics listener answers. Written once: `crates/server/tests/it/operator.rs` holds the sample of this
 * folder's test against what the server writes. Times are milliseconds since the epoch, scores are times 100.
 */
export interface Calls {
  readonly now: number;
  /** How many are live; at most 200 of them are told, the worst first. */
  readonly live_total: number;
  readonly live: readonly LiveCall[];
  /** Newest first. */
  readonly ended: readonly EndedCall[];
  /** `before` of the next page; null at the end. */
  readonly next: number | null;
  /** Only with the newest page. */
  readonly day: Day | null;
}

export interface LiveCall {
  readonly call: string;
  readonly accepted_at: number;
  /** The caller's first. */
  readonly legs: readonly [LiveLeg, LiveLeg];
}

export interface LiveLeg {
  /** `user/device`. */
  readonly leg: string;
  readonly latest: Measured | null;
  /** When, and the score, of the latest reports; oldest first. */
  readonly recent: readonly (readonly [at: number, mos: number])[];
}

export interface EndedCall {
  readonly row: number;
  readonly call: string;
  readonly caller: string;
  readonly callee: string;
  readonly requested_at: number;
  readonly ended_at: number;
  readonly talk_ms: number;
  readonly reason: string;
  /** Those that reported, the caller's first. */
  readonly legs: readonly EndedLeg[];
}

export interface EndedLeg {
  readonly leg: string;
  readonly role: 'caller' | 'callee';
  readonly measured: Measured;
}

export const PATHS = ['direct', 'relay_udp', 'relay_tcp', 'relay_tls', 'unknown'] as const;
export type Path = (typeof PATHS)[number];

export const CAUSES = ['none', 'own_network', 'peer_network', 'relay'] as const;
export type Cause = (typeof CAUSES)[number];

export interface Measured {
  /** Seconds. */
  readonly samples: number;
  readonly mos: number;
  readonly mos_min: number;
  /** Seconds with a score below 3. */
  readonly poor: number;
  readonly concealed_ppm: number | null;
  readonly lost_ppm: number | null;
  readonly remote_lost_ppm: number | null;
  readonly rtt_ms: number | null;
  readonly jitter_ms: number | null;
  readonly path: Path;
  readonly cause: Cause;
  readonly reported_at: number;
}

export interface Day {
  /** The width of a class. */
  readonly mos_class: number;
  /** Legs in each class, from 100 on. */
  readonly mos: readonly number[];
  readonly paths: Readonly<Record<Path, number>>;
}

/** The server did not answer with calls. `status` is 0 if it did not answer at all. */
export class NoCalls extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks for calls. `ended`: how many ended ones, from below `before`. */
export async function ask(token: string, { ended, before }: { ended: number; before?: number }): Promise<Calls> {
  const query = new URLSearchParams({ ended: String(ended), ...(before === undefined ? {} : { before: String(before) }) });
  const response = await fetch(`/calls?${query}`, {
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    cache: 'no-store',
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new NoCalls(0, String(error));
  });
  if (!response.ok) throw new NoCalls(response.status, (await response.text()).trim());
  return (await response.json()) as Calls;
}
