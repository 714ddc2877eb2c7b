/**
 * A home that has IPv6 and nothing else, as mobile networks do: each machine has an address of its own in the world, and the
 * router lets in only those who were written to (RFC 6092).
 */
import type { Internet } from './internet.js';
import { cable, type Namespace } from './namespace.js';

const RULES = `table ip6 router {
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" accept
  }
}`;

export class Ipv6Router {
  readonly #machine: Namespace;
  readonly #network: string;

  /** `number`: of its network, from 1. */
  constructor(internet: Internet, name: string, number: number) {
    this.#machine = internet.machine(name);
    this.#network = `2d00:0:0:${number}`;
    const address = `2d00::1:${number}`;
    internet.connect(this.#machine, address);
    internet.route(`${this.#network}::/64`, address);
    this.#machine.set('ipv6/conf/all/forwarding', 1);
    this.#machine.ip(`link add lan type bridge\naddr add ${this.#network}::1/64 dev lan nodad\nlink set lan up`);
    this.#machine.rules(RULES);
  }

  /** Connects a home. */
  connect(home: Namespace, host: number): void {
    home.allowIpv6();
    cable([home, 'lan'], [this.#machine, home.name]);
    this.#machine.ip(`link set ${home.name} master lan up`);
    home.ip(`link set lan up\naddr add ${this.#network}::${host}/64 dev lan nodad\nroute add default via ${this.#network}::1`);
  }
}
