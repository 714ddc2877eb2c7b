/** The world of one row: a public server, two homes, and what is between them. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeBrowsers } from '../rig/browsers.js';
import { World, type Entrance } from '../rig/journey.js';
import type { Person } from '../rig/person.js';
import type { Place } from '../rig/place.js';
import { end, scratch } from '../rig/processes.js';
import { Server } from '../rig/server.js';
import { makeCertificate, type Certificate } from './certificate.js';
import { COTURN_SETTINGS, startCoturn } from './coturn.js';
import { homeAt } from './home.js';
import { sayToken, tokenFor } from './identity.js';
import { addressesOf, addressOf, Internet } from './internet.js';
import { Ipv6Router } from './ipv6.js';
import { inside, Router, type Kind } from './router.js';
import type { Row } from './rows.js';

const NAME = 'tincan.test';
const RELAY_NAME = 'relay.test';
/** By side, the public addresses of a home or its router: the first at the start, the second after a move. */
const PUBLIC = { A: ['11.0.1.1', '11.0.1.2'], B: ['11.0.2.1', '11.0.2.2'] } as const;
const HOST = { A: 10, B: 20 } as const;
const IPV6_NETWORK = { A: 1, B: 2 } as const;
/** Tincan listens on every address that its machine has. */
const EVERY = '[::]';
/** Whose relay is used, by what `RELAY` says; and Tincan's settings for it. */
const RELAYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  own: {},
  coturn: COTURN_SETTINGS,
  none: { TINCAN_MEDIA__MODE: 'stun' },
};

type Side = 'A' | 'B';

/** Made for a run, not for a row: making keys takes time, and one certificate serves all. */
let certificate: Certificate | undefined;

export class Lab extends World {
  readonly #internet: Internet;
  readonly #sides: Sides;
  readonly #secret: string;
  readonly #coturn: ChildProcess | undefined;

  private constructor(internet: Internet, sides: Sides, { server, secret, coturn }: Public) {
    super(server);
    this.origin = `https://${NAME}`;
    this.#internet = internet;
    this.#sides = sides;
    this.#secret = secret;
    this.#coturn = coturn;
  }

  static async open(row: Row): Promise<Lab> {
    const internet = new Internet();
    try {
      certificate ??= makeCertificate(NAME, RELAY_NAME);
      const sides = await settle(internet, row, certificate);
      return new Lab(internet, sides, await startServer(internet, row, certificate));
    } catch (error) {
      internet.remove();
      throw error;
    }
  }

  override async enter(entrance: Entrance): Promise<Person> {
    const { as } = entrance;
    const before = async (person: Person): Promise<void> => {
      await person.tab.prepare(sayToken, tokenFor(`client${as}`, this.#secret));
      await entrance.before?.(person);
    };
    return super.enter({ ...entrance, place: this.#sides.homes[as], before });
  }

  /** Where the homes are, for each other and for the world. */
  get addresses(): readonly string[] {
    return [...Object.values(HOST).map(inside), ...Object.values(PUBLIC).flat()];
  }

  /** Its router gets another public address. */
  move(side: Side): void {
    const router = this.#sides.routers[side];
    if (!router) throw new Error(`${side} has no router that could move`);
    router.moveTo(PUBLIC[side][1]);
  }

  async restart(): Promise<void> {
    await this.server.kill();
    await this.server.startAgain();
  }

  override async close(): Promise<void> {
    await super.close();
    await closeBrowsers();
    if (this.#coturn) await end(this.#coturn);
    this.#internet.remove();
  }
}

interface Public {
  readonly server: Server;
  readonly coturn: ChildProcess | undefined;
  /** What tokens are signed with. */
  readonly secret: string;
}

async function startServer(internet: Internet, { relayOnly }: Row, { certFile, keyFile }: Certificate): Promise<Public> {
  const relay = process.env['RELAY'] ?? 'own';
  const settings = RELAYS[relay];
  if (!settings) throw new Error(`RELAY is one of ${Object.keys(RELAYS).join(', ')}, not ${relay}`);
  const withCoturn = relay === 'coturn';
  const machine = internet.machine('public');
  internet.connect(machine, ...addressesOf(NAME), ...(withCoturn ? [addressOf(RELAY_NAME)] : []));
  const coturn = withCoturn ? await startCoturn(machine, { certFile, keyFile }) : undefined;
  const secret = randomBytes(32).toString('base64url');
  const secretFile = join(scratch('secret'), 'token');
  writeFileSync(secretFile, secret);
  chmodSync(secretFile, 0o600);
  const server = await Server.start({
    TINCAN_TLS__CERT_FILE: certFile,
    TINCAN_TLS__KEY_FILE: keyFile,
    TINCAN_SERVER__PUBLIC_ORIGINS: `https://${NAME}`,
    TINCAN_AUTH__TOKEN_SECRET_FILE: secretFile,
    TINCAN_MEDIA__RELAY_ONLY: String(relayOnly ?? false),
    ...settings,
  }, { ip: withCoturn ? addressOf(NAME) : EVERY, port: 443, through: machine.through });
  return { server, coturn, secret };
}

interface Sides {
  readonly homes: Record<Side, Place>;
  readonly routers: Record<Side, Router | undefined>;
}

async function settle(internet: Internet, { a, b }: Row, { keyHash }: Certificate): Promise<Sides> {
  const machines = { A: internet.machine('home-a'), B: internet.machine('home-b') };
  const connect = (side: Side, kind: Kind): Router | undefined => {
    const machine = machines[side];
    if (kind === 'open') {
      internet.connect(machine, PUBLIC[side][0]);
      return undefined;
    }
    if (kind === 'ipv6') {
      new Ipv6Router(internet, `router-${side.toLowerCase()}`, IPV6_NETWORK[side]).connect(machine, HOST[side]);
      return undefined;
    }
    const router = new Router(internet, `router-${side.toLowerCase()}`, kind, PUBLIC[side][0]);
    router.connect(machine, HOST[side]);
    return router;
  };
  const routerA = connect('A', a);
  if (b === 'lan') routerA?.connect(machines.B, HOST.B);
  const routers = { A: routerA, B: b === 'lan' ? routerA : connect('B', b) };
  return { routers, homes: { A: await homeAt(machines.A, keyHash), B: await homeAt(machines.B, keyHash) } };
}
