/** What was found, in the terms in which the rules of `verdict.ts` speak. Pure. */

import type { Finding } from './findings.js';
import type { CheckName, CheckResult } from './types.js';

/** The relays, the one that a call prefers first. */
export const RELAYS: readonly CheckName[] = ['relay-udp', 'relay-tcp', 'relay-tls'];

export class Facts {
  readonly checks: readonly CheckResult[];
  readonly #found: ReadonlyMap<CheckName, CheckResult>;
  /** The relays that could be tried, and those of them that carry sound. */
  readonly tried: readonly CheckResult[];
  readonly carrying: readonly CheckResult[];

  constructor(checks: readonly CheckResult[]) {
    this.checks = checks;
    this.#found = new Map(checks.map((check) => [check.name, check]));
    this.tried = RELAYS.flatMap((name) => this.#found.get(name) ?? []).filter(({ status }) => status !== 'skipped');
    this.carrying = this.tried.filter(({ status }) => status !== 'failed');
  }

  is(name: CheckName, ...findings: Finding[]): boolean {
    return findings.some((finding) => this.#found.get(name)?.finding === finding);
  }

  /** No relay carries sound, and `finding` is the reason of at least one. */
  noRelay(finding: Finding): boolean {
    return this.carrying.length === 0 && this.tried.some((relay) => relay.finding === finding);
  }

  /** What was found about the relay that a call would take. */
  preferred(finding: Finding): boolean {
    return this.carrying[0]?.finding === finding;
  }

  /** Nothing says that UDP gets through, and something says that it does not. */
  get udpBlocked(): boolean {
    const closed = [this.is('stun', 'stun-silent'), this.is('relay-udp', 'relay-unreachable')];
    const unknown = [this.is('stun', 'stun-not-offered'), this.is('relay-udp', 'relay-not-offered')];
    return closed.includes(true) && closed.every((isClosed, i) => isClosed || unknown[i]);
  }
}
