/** What lies between the routers: one wide network of public addresses, which holds the lab's names, too. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cable, Namespace } from './namespace.js';

const HOSTS = readFileSync(fileURLToPath(new URL('hosts', import.meta.url)), 'utf8');

/** The address of a name in `hosts`. */
export function addressOf(name: string): string {
  const line = HOSTS.split('\n').map((text) => text.split(/\s+/)).find(([, ...names]) => names.includes(name));
  if (!line?.[0]) throw new Error(`nat/hosts has no ${name}`);
  return line[0];
}

/** Where everything goes that is for nobody here, such as a home's own address that its browser told; it is lost there. */
const GATEWAY = '11.0.255.254';

export class Internet {
  readonly #machines: Namespace[] = [];
  readonly #middle: Namespace;

  constructor() {
    this.#middle = this.machine('internet');
    this.#middle.ip(`link add switch type bridge\naddr add ${GATEWAY}/16 dev switch\nlink set switch up`);
  }

  /** A machine that is not connected yet. */
  machine(name: string): Namespace {
    const machine = new Namespace(name);
    this.#machines.push(machine);
    return machine;
  }

  /** Gives a machine an interface `wan` with public addresses. */
  connect(machine: Namespace, ...addresses: readonly string[]): void {
    cable([machine, 'wan'], [this.#middle, machine.name]);
    this.#middle.ip(`link set ${machine.name} master switch up`);
    machine.ip(['link set wan up', ...addresses.map(hasAddress), `route add default via ${GATEWAY}`].join('\n'));
  }

  /** Gives it another one. */
  reconnect(machine: Namespace, from: string, to: string): void {
    // With an address the kernel forgets the flows that were translated to it, and the routes by way of it.
    machine.ip(`addr del ${from}/16 dev wan\n${hasAddress(to)}\nroute add default via ${GATEWAY}`);
  }

  remove(): void {
    for (const machine of this.#machines.splice(0)) machine.remove();
  }
}

function hasAddress(address: string): string {
  return `addr add ${address}/16 dev wan`;
}
