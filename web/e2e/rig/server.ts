/** The server under test: the real binary, on a free port, with a data folder of its own. */
import { existsSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { discard, end, scratch, start } from './processes.js';

const START_MS = 15_000;

/** Where it runs, and on which address. */
export interface Site {
  readonly ip: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** The command that starts another one there. */
  readonly through: readonly string[];
}

const HERE: Site = { ip: '127.0.0.1', port: 0, through: [] };

export class Server {
  readonly origin: string;
  readonly #folder: string;
  readonly #site: Site;
  readonly #env: Readonly<Record<string, string>>;
  #log = '';
  #process: ChildProcess;

  private constructor(folder: string, site: Site, env: Readonly<Record<string, string>>, up: Up) {
    this.#folder = folder;
    this.#site = site;
    this.#env = env;
    this.origin = up.origin;
    this.#process = this.#listenTo(up);
  }

  /** `env` are settings, such as `TINCAN_CALL__RING_TIMEOUT_S`. */
  static async start(env: Readonly<Record<string, string>> = {}, site = HERE): Promise<Server> {
    const folder = scratch('data');
    return new Server(folder, site, env, await launch(folder, site, env));
  }

  get port(): number {
    const { port, protocol } = new URL(this.origin);
    return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What it wrote on standard error. */
  get log(): string {
    return this.#log;
  }

  /** As a crash does: nothing is said and nothing is saved. */
  async kill(): Promise<void> {
    await end(this.#process, 'SIGKILL');
  }

  /** Starts it again where it was, on the same data. */
  async startAgain(): Promise<void> {
    const up = await launch(this.#folder, { ...this.#site, port: this.port }, this.#env);
    if (up.origin !== this.origin) throw new Error(`came back at ${up.origin} instead of ${this.origin}`);
    this.#process = this.#listenTo(up);
  }

  async stop(): Promise<void> {
    await end(this.#process);
    discard(this.#folder);
  }

  /** Where operators read. Only with `TINCAN_METRICS__LISTEN`. */
  get operators(): string {
    const address = this.#log.match(/metrics\.addr=(\S+)/g)?.at(-1)?.split('=')[1];
    if (!address) throw new Error('this server has no metrics: start it with TINCAN_METRICS__LISTEN=127.0.0.1:0');
    return `http://${address}`;
  }

  /** What its metrics say: the number of each series, by name and labels as they are written. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${this.operators}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  #listenTo({ child, said }: Up): ChildProcess {
    this.#log += said;
    child.stderr?.on('data', (text: Buffer) => (this.#log += text.toString()));
    return child;
  }
}

interface Up {
  readonly child: ChildProcess;
  readonly origin: string;
  /** What it had written on standard error by then. */
  readonly said: string;
}

async function launch(folder: string, { ip, port, through }: Site, env: Readonly<Record<string, string>>): Promise<Up> {
  const [program, ...args] = [...through, binary(), 'serve', '--listen', `${ip}:${port}`, '--data-dir', folder] as const;
  const child = start(program!, args, {
    env: { PATH: process.env['PATH'], TINCAN_LOG__FILTER: 'debug', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
  const origin = await new Promise<string>((resolve, reject) => {
    const give = (why: string): void => reject(new Error(`the server did not start: ${why}\n${complaint}`));
    setTimeout(() => give(`nothing heard for ${START_MS} ms`), START_MS).unref();
    child.once('error', (error) => give(error.message));
    child.once('exit', (code) => give(`it ended with ${code}`));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const found = /listening on (https?:\S+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  return { child, origin, said: complaint };
}

/** The binary under test: `TINCAN_BIN`, else the release build, else the debug build. */
function binary(): string {
  const target = (profile: string): string => fileURLToPath(new URL(`../../../target/${profile}/tincan`, import.meta.url));
  const candidates = [process.env['TINCAN_BIN'] ?? '', target('release'), target('debug')];
  const found = candidates.find((path) => path !== '' && existsSync(path));
  if (!found) throw new Error('there is no server to test: run `make build`, or set TINCAN_BIN');
  return found;
}
