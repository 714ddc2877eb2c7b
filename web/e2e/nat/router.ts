/**
 * Routers as people have them at home, by how they translate addresses (RFC 4787) and what they let out.
 *
 * None lets in what nobody asked for, and none answers it either: a router that did would note the other side's packet as
 * a flow of its own, and then have to give the home's packet to the same place another port.
 */
import type { Internet } from './internet.js';
import { cable, type Namespace } from './namespace.js';

interface Habit {
  /** What the home may send. */
  readonly out: string;
  /** How a port is chosen; the kernel's own way is to keep the home's. */
  readonly port?: string;
  /** To whom everything goes that comes from outside by UDP. */
  readonly inward?: 'home';
}

/** Those of IPv4. */
export const HABITS = {
  fullcone: { out: 'accept', inward: 'home' },
  cone: { out: 'accept' },
  symmetric: { out: 'accept', port: 'fully-random' },
  'udp-blocked': { out: 'meta l4proto tcp accept' },
  tcp443: { out: 'tcp dport 443 accept' },
} as const satisfies Record<string, Habit>;

export type RouterKind = keyof typeof HABITS;
/** `open` has no router at all: a public address. `ipv6` has no IPv4: see `ipv6.ts`. */
export type Kind = 'open' | 'ipv6' | RouterKind;

/** The address of a host in a home. */
export function inside(host: number): string {
  return `192.168.1.${host}`;
}

const INSIDE = inside(1);

export class Router {
  readonly #internet: Internet;
  readonly #machine: Namespace;
  readonly #habit: Habit;
  #address: string;

  constructor(internet: Internet, name: string, kind: RouterKind, address: string) {
    this.#internet = internet;
    this.#machine = internet.machine(name);
    this.#habit = HABITS[kind];
    this.#address = address;
    internet.connect(this.#machine, address);
    this.#machine.ip(`link add lan type bridge\naddr add ${INSIDE}/24 dev lan\nlink set lan up`);
    this.#machine.set('ipv4/ip_forward', 1);
    this.#machine.rules(rules(this.#habit));
  }

  /** Connects a home. */
  connect(home: Namespace, host: number): void {
    const address = inside(host);
    cable([home, 'lan'], [this.#machine, home.name]);
    this.#machine.ip(`link set ${home.name} master lan up`);
    home.ip(`addr add ${address}/24 dev lan\nlink set lan up\nroute add default via ${INSIDE}`);
    if (this.#habit.inward) {
      this.#machine.rules(`add rule ip router inward iifname "wan" meta l4proto udp dnat to ${address}
        insert rule ip router through iifname "wan" meta l4proto udp accept`);
    }
  }

  /** Gets another public address, as after a reconnect at night: every flow through the old one is dead, and nobody is told. */
  moveTo(address: string): void {
    this.#internet.reconnect(this.#machine, this.#address, address);
    this.#address = address;
  }
}

function rules({ out, port = '' }: Habit): string {
  return `table ip router {
    chain itself {
      type filter hook input priority filter; policy drop;
      iifname "lan" accept
    }
    chain through {
      type filter hook forward priority filter; policy drop;
      ct state established,related accept
      iifname "lan" ${out}
    }
    chain inward {
      type nat hook prerouting priority dstnat;
    }
    chain outward {
      type nat hook postrouting priority srcnat;
      oifname "wan" masquerade ${port}
    }
  }`;
}
