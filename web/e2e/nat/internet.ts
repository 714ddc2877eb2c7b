/** What lies between the routers: one wide network of public addresses, which holds the lab's names, too. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cable, Namespace } from './namespace.js';

const HOSTS = readFileSync(fileURLToPath(new URL('hosts', import.meta.url)), 'utf8');

/** The addresses of a name in `hosts`. */
export function addressesOf(name: string): readonly string[] {
  const lines = HOSTS.split('\n').map((text) => text.split(/\s+/)).filter(([, ...names]) => names.includes(name));
  if (lines.length === 0) throw new Error(`nat/hosts has no ${name}`);
  return lines.map(([address]) => address!);
}

/** Its IPv4 address. */
export function addressOf(name: string): string {
  return addressesOf(name).find((address) => !isIpv6(address))!;
}

/**
 * Where everything goes that is not on this wire. What is for nobody here, such as a home's own address that its browser
 * told, is lost there; and IPv6 networks behind routers are reached by way of it.
 */
const GATEWAY = '11.0.255.254';
const GATEWAY_V6 = '2d00::ffff';

export class Internet {
  readonly #machines: Namespace[] = [];
  readonly #middle: Namespace;

  constructor() {
    this.#middle = this.machine('internet');
    this.#middle.allowIpv6();
    this.#middle.set('ipv6/conf/all/forwarding', 1);
    this.#middle.ip(`link add switch type bridge\naddr add ${GATEWAY}/16 dev switch\naddr add ${GATEWAY_V6}/64 dev switch nodad\nlink set switch up`);
  }

  /** A machine that is not connected yet. */
  machine(name: string): Namespace {
    const machine = new Namespace(name);
    this.#machines.push(machine);
    return machine;
  }

  /** Gives a machine an interface `wan` with public addresses. */
  connect(machine: Namespace, ...addresses: readonly string[]): void {
    if (addresses.some(isIpv6)) machine.allowIpv6();
    cable([machine, 'wan'], [this.#middle, machine.name]);
    this.#middle.ip(`link set ${machine.name} master switch up`);
    const gateways = [GATEWAY, GATEWAY_V6].filter((gateway) => addresses.some((address) => isIpv6(address) === isIpv6(gateway)));
    machine.ip(['link set wan up', ...addresses.map(hasAddress), ...gateways.map((gateway) => `route add default via ${gateway}`)].join('\n'));
  }

  /** A network that is reached by way of a machine's address. */
  route(network: string, by: string): void {
    this.#middle.ip(`route add ${network} via ${by}`);
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
  return isIpv6(address) ? `addr add ${address}/64 dev wan nodad` : `addr add ${address}/16 dev wan`;
}

function isIpv6(address: string): boolean {
  return address.includes(':');
}
