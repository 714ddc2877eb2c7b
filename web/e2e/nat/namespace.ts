/** A network namespace: the network of one machine, without the machine. Only inside of `nat/run`, whose end removes it. */
import { execFileSync } from 'node:child_process';

export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    execFileSync('ip', ['netns', 'add', name]);
    this.set('ipv6/conf/all/disable_ipv6', 1);
    this.set('ipv6/conf/default/disable_ipv6', 1);
    // What a bridge passes on is none of the packet filter's business.
    this.set('bridge/bridge-nf-call-iptables', 0);
    this.ip('link set lo up');
  }

  /** Interfaces that are connected from now on may have IPv6 addresses. */
  allowIpv6(): void {
    for (const which of ['all', 'default']) {
      this.set(`ipv6/conf/${which}/disable_ipv6`, 0);
      // Addresses come from the lab alone and are used at once: one that changes later makes browsers give up what they load.
      this.set(`ipv6/conf/${which}/accept_ra`, 0);
      this.set(`ipv6/conf/${which}/accept_dad`, 0);
    }
  }

  /** The command that starts another one here, and becomes it. */
  get through(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`];
  }

  run(program: string, args: readonly string[] = [], input = ''): void {
    const [enter, ...rest] = [...this.through, program, ...args] as const;
    execFileSync(enter!, rest, { input, stdio: ['pipe', 'ignore', 'inherit'] });
  }

  /** Lines of commands, each without the word `ip`. */
  ip(commands: string): void {
    execFileSync('ip', ['-n', this.name, '-batch', '-'], { input: commands, stdio: ['pipe', 'ignore', 'inherit'] });
  }

  /** One of the kernel's settings for networks, if this kernel has it. */
  set(name: string, value: number): void {
    this.run('sh', ['-c', 'cd /proc/sys/net; [ ! -e "$1" ] || echo "$2" > "$1"', 'set', name, String(value)]);
  }

  /** Rules for packets, in nftables' language. */
  rules(text: string): void {
    this.run('nft', ['-f', '-'], text);
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}

/** Connects two of them. An end is a namespace and what its end of the cable is called. */
export function cable([left, leftEnd]: readonly [Namespace, string], [right, rightEnd]: readonly [Namespace, string]): void {
  execFileSync('ip', ['link', 'add', leftEnd, 'netns', left.name, 'type', 'veth', 'peer', 'name', rightEnd, 'netns', right.name]);
}
