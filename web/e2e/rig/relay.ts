/** A relay of someone else's make (coturn), for a server that is told to offer it. On loopback, on free ports. */
import { execFileSync } from 'node:child_process';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { end, scratch, start } from './processes.js';
import { until } from './until.js';

const USER = 'tester';
const PASSWORD = 'right';
const HOST = '127.0.0.1';

/** The server's setting without a relay of its own. */
export const NO_RELAY = { TINCAN_MEDIA__MODE: 'off' } as const;

export type Way = 'udp' | 'tcp' | 'tls';

interface Settings {
  /** Whether it listens on UDP. */
  readonly udp: boolean;
}

export class Relay {
  readonly #plain: number;
  readonly #tls: number;
  readonly #child: ReturnType<typeof start>;

  private constructor(plain: number, tls: number, child: ReturnType<typeof start>) {
    this.#plain = plain;
    this.#tls = tls;
    this.#child = child;
  }

  static async start({ udp }: Settings = { udp: true }): Promise<Relay> {
    const [plain, tls] = [await freePort(), await freePort()];
    const folder = scratch('relay');
    const child = start('turnserver', [
      '-n', '--no-cli', '--no-dtls', '--no-multicast-peers', '--allow-loopback-peers', '--lt-cred-mech', '--realm=tincan',
      `--user=${USER}:${PASSWORD}`, `--listening-ip=${HOST}`, `--relay-ip=${HOST}`, `--listening-port=${plain}`, `--tls-listening-port=${tls}`,
      ...certificate(folder), `--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'users')}`, '--log-file=stdout', '--simple-log',
      ...(udp ? [] : ['--no-udp']),
    ], { cwd: folder, stdio: 'ignore' });
    await until('the relay listens', async () => {
      if (child.exitCode !== null) throw new Error(`turnserver ended with ${child.exitCode}`);
      return (await accepts(plain)) && (await accepts(tls));
    });
    return new Relay(plain, tls, child);
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }

  /** The server's settings with which it offers this relay and its STUN server, and nothing else. */
  offered({ ways = ['udp', 'tcp', 'tls'], password = PASSWORD }: { ways?: readonly Way[]; password?: string } = {}): Record<string, string> {
    const urls: Record<Way, string> = {
      udp: `turn:${HOST}:${this.#plain}`,
      tcp: `turn:${HOST}:${this.#plain}?transport=tcp`,
      tls: `turns:${HOST}:${this.#tls}?transport=tcp`,
    };
    return offer(`${HOST}:${this.#plain}`, ways.map((way) => urls[way]), password);
  }

  /** The same, with relays where nobody listens. */
  async offeredElsewhere(): Promise<Record<string, string>> {
    const nowhere = `${HOST}:${await freePort()}`;
    return offer(`${HOST}:${this.#plain}`, [`turn:${nowhere}`, `turn:${nowhere}?transport=tcp`, `turns:${nowhere}?transport=tcp`], PASSWORD);
  }
}

function offer(stun: string, urls: readonly string[], password: string): Record<string, string> {
  const list = urls.map((url) => `"${url}"`).join(',');
  return { ...NO_RELAY, TINCAN_ICE__SERVERS: `[{urls=["stun:${stun}"]},{urls=[${list}],username="${USER}",credential="${password}"}]` };
}

function certificate(folder: string): string[] {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...make, '-addext', `subjectAltName=IP:${HOST}`, '-out', cert, '-keyout', key], { stdio: 'ignore' });
  return [`--cert=${cert}`, `--pkey=${key}`];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** A port that was free a moment ago. A relay cannot be asked which one it took. */
async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, HOST, resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise<void>((resolve) => listener.close(() => resolve()));
  return port;
}
