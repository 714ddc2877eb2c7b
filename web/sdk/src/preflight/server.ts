/** Whether the server is reached and takes us, how long it takes to reply, and which ICE servers it names. */

import { Credentials } from '../credentials.js';
import { base64url } from '../ids.js';
import { serverUrl } from '../platform.js';
import { CLOSE, SUBPROTOCOL } from '../wire.js';
import type { CheckContext, Outcome } from './check.js';
import type { Finding } from './findings.js';
import { Line } from './line.js';
import { quantile } from './passage.js';
import { waitFor } from './wait.js';

const PINGS = 5;
const SLOW_MS = 400;
const HTTP_PATIENCE_MS = 5_000;
/** For a token function of somebody else's. */
const TOKEN_PATIENCE_MS = 10_000;

export interface ServerOutcome extends Outcome {
  /** Absent if the server did not say. */
  iceServers?: RTCIceServer[];
}

type Identity = Awaited<ReturnType<Credentials['get']>>;

export async function checkServer(context: CheckContext): Promise<ServerOutcome> {
  const credentials = new Credentials(context.options);
  const first = await tryAs(credentials, context);
  // As a device does: a token may have been refused only because it was kept for too long.
  if (first.finding !== 'token-refused' || !credentials.refused()) return first;
  return tryAs(credentials, context);
}

async function tryAs(credentials: Credentials, context: CheckContext): Promise<ServerOutcome> {
  const { options, platform, signal } = context;
  const identity = await identify(credentials, signal);
  if (!identity) return { finding: 'token-unavailable' };
  const url = options.url ?? serverUrl(platform);
  const began = performance.now();
  const line = new Line(new platform.WebSocket(url, SUBPROTOCOL), signal);
  try {
    if (!(await line.opened())) return { finding: await withoutSocket(url, context) };
    return await talk(line, identity, performance.now() - began, context);
  } finally {
    line.close();
  }
}

/** `undefined`: there is no token, or none in time. */
function identify(credentials: Credentials, signal: AbortSignal): Promise<Identity | undefined> {
  return waitFor<Identity | undefined>(signal, TOKEN_PATIENCE_MS, undefined, (done) => {
    credentials.get().then(done, () => done(undefined));
  });
}

async function talk(line: Line, identity: Identity, connectMs: number, context: CheckContext): Promise<ServerOutcome> {
  const device = deviceName(context);
  if (!(await line.ask({ type: 'hello', data: { ...identity, device } }, 'welcome'))) {
    return { finding: refusal(line) };
  }
  const trips: number[] = [];
  for (let n = 0; n < PINGS; n += 1) {
    const askedAt = performance.now();
    if (!(await line.ask({ type: 'ping' }, 'pong'))) return { finding: refusal(line) };
    trips.push(performance.now() - askedAt);
  }
  const reply = await line.ask({ type: 'ice-servers-request', id: 'ice', seq: 1 }, 'ice-servers-response');
  const rttMs = quantile(trips, 0.5);
  return {
    finding: rttMs > SLOW_MS ? 'server-slow' : 'server-ok',
    figures: { connectMs, rttMs, rttP95Ms: quantile(trips, 0.95) },
    ...(reply && { iceServers: reply.data.iceServers }),
  };
}

/** A name of its own: with the one of another page it would take over from that page. */
function deviceName({ options: { device }, platform }: CheckContext): string {
  return device ?? `check-${base64url(platform.randomBytes(9))}`;
}

/** Why the server said no; a proxy on the way may have swallowed either the error or the close. */
function refusal({ error, closedWith }: Line): Finding {
  if (error === 'unauthorized' || closedWith === CLOSE.unauthorized) return 'token-refused';
  if (error === 'forbidden' || closedWith === CLOSE.forbidden) return 'server-forbidden';
  const isBusy =
    error === 'rate_limited' ||
    error === 'unavailable' ||
    closedWith === CLOSE.rateLimited ||
    closedWith === CLOSE.restart;
  return isBusy ? 'server-busy' : 'server-silent';
}

/** What the server names to those who have no session: fewer servers, but enough to try the network. */
export function publicIceServers(context: CheckContext): Promise<RTCIceServer[] | undefined> {
  const url = new URL('/ice-servers', http(context.options.url ?? serverUrl(context.platform)));
  return fetched(url.href, { cache: 'no-store' }, context, async (reply) => {
    const { iceServers } = (await reply.json()) as { iceServers?: RTCIceServer[] };
    return iceServers;
  });
}

/** No socket opened: is the server gone, or only the way for WebSockets? An opaque reply is reply enough. */
async function withoutSocket(url: string, context: CheckContext): Promise<Finding> {
  const isThere = await fetched(http(url), { mode: 'no-cors', cache: 'no-store' }, context, () => true);
  return isThere ? 'websocket-blocked' : 'server-unreachable';
}

function http(url: string): string {
  return url.replace(/^ws/, 'http');
}

/** What `read` makes of the reply; `undefined`: no reply, or none in time. */
function fetched<T>(
  url: string,
  init: RequestInit,
  { platform, signal }: CheckContext,
  read: (reply: Response) => T | Promise<T>,
): Promise<T | undefined> {
  const given = new AbortController();
  const reading = platform.fetch(url, { ...init, signal: given.signal }).then(read);
  return waitFor<T | undefined>(signal, HTTP_PATIENCE_MS, undefined, (done) => {
    reading.then(done, () => done(undefined));
  }).finally(() => given.abort());
}
