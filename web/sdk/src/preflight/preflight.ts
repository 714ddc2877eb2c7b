/**
 * Would a call work from here? Tries everything that a call needs, with the means of a call, and tells it in words.
 *
 * ```text
 * browser ──┬── microphone ── speaker                                what needs the user
 *           └── server ── stun ── relay-udp ── relay-tcp ── relay-tls  what needs the network, one at a time
 * ```
 *
 * Not here: how anything is checked (one file each), what the findings are called (`findings.ts`), what they mean
 * together (`verdict.ts`).
 */

import { AudioDevices } from '../audio-devices.js';
import { Emitter } from '../emitter.js';
import { CallError } from '../errors.js';
import { isName } from '../ids.js';
import { browserPlatform } from '../platform.js';
import type { Platform } from '../platform.js';
import { checkBrowser } from './browser.js';
import type { CheckContext, Outcome } from './check.js';
import { findingRow } from './findings.js';
import type { Finding } from './findings.js';
import type { RelayTransport } from './ice-urls.js';
import { checkMicrophone } from './microphone.js';
import { checkRelay } from './relay.js';
import { checkServer, publicIceServers } from './server.js';
import { checkSpeaker } from './speaker.js';
import { checkStun } from './stun.js';
import type { CheckName, CheckResult, PreflightEvents, PreflightOptions, PreflightReport } from './types.js';
import { verdict } from './verdict.js';

const ORDER: readonly CheckName[] = [
  'browser',
  'microphone',
  'speaker',
  'server',
  'stun',
  'relay-udp',
  'relay-tcp',
  'relay-tls',
];
const NOT_OFFERED: readonly Finding[] = ['stun-not-offered', 'relay-not-offered'];

/** One run of all checks. Made by `Device.preflight()`; begins by itself. */
export class Preflight extends Emitter<PreflightEvents> {
  /** Never rejects. What could not be checked says so in the report. */
  readonly done: Promise<PreflightReport>;
  readonly #options: PreflightOptions;
  readonly #platform: Platform;
  readonly #audio: AudioDevices;
  readonly #stop = new AbortController();
  readonly #results = new Map<CheckName, CheckResult>();

  /** @internal */
  constructor(options: PreflightOptions) {
    super();
    const wrong = wrongIn(options);
    if (wrong) throw new CallError('bad-argument', { detail: wrong });
    this.#options = options;
    this.#platform = browserPlatform(options.platform);
    this.#audio = new AudioDevices(this.#platform, options.audio ?? {}, () => []);
    this.done = this.#run();
  }

  /** Gives up what is not done. Everything that was opened is closed when `done` resolves. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<PreflightReport> {
    const at = Date.now();
    const began = performance.now();
    // Whoever made it can listen before anything is told.
    await Promise.resolve();
    const { status } = await this.#check('browser', checkBrowser);
    if (status === 'ok') await Promise.all([this.#checkSound(), this.#checkNetwork()]);
    this.#audio.destroy();
    const skipped: Outcome = { finding: this.#skipped('needs-browser') };
    const checks = ORDER.map((name) => this.#results.get(name) ?? this.#settle(name, skipped));
    return { at, durationMs: performance.now() - began, verdict: verdict(checks), checks };
  }

  /** One after the other, so that the microphone does not hear the tone. */
  async #checkSound(): Promise<void> {
    await this.#check('microphone', checkMicrophone);
    await this.#check('speaker', checkSpeaker);
  }

  /** One after the other, so that no figure is another check's doing. */
  async #checkNetwork(): Promise<void> {
    const { iceServers } = this.#options;
    let servers = Array.isArray(iceServers) ? iceServers : [];
    // What is missing from the list is not offered; or, where the server did not let us in, not told.
    let isWhole = Array.isArray(iceServers);
    await this.#check('server', async (context) => {
      const outcome = await checkServer(context);
      if (isWhole) return outcome;
      isWhole = outcome.iceServers !== undefined;
      const isThere = outcome.finding !== 'server-unreachable';
      servers = outcome.iceServers ?? (isThere ? await publicIceServers(context) : undefined) ?? [];
      return outcome;
    });
    const toldOf = (outcome: Outcome): Outcome =>
      isWhole || !NOT_OFFERED.includes(outcome.finding) ? outcome : { finding: 'needs-server' };
    await this.#check('stun', async (context) => toldOf(await checkStun(context, servers)));
    for (const transport of ['udp', 'tcp', 'tls'] as const satisfies RelayTransport[]) {
      await this.#check(`relay-${transport}`, async (context) => toldOf(await checkRelay(context, servers, transport)));
    }
  }

  async #check(name: CheckName, check: (context: CheckContext) => Promise<Outcome>): Promise<CheckResult> {
    const { signal } = this.#stop;
    if (signal.aborted) return this.#settle(name, { finding: 'stopped' });
    const say: CheckContext['say'] = (progress) => this.emit('progress', { name, status: 'running', ...progress });
    say({});
    try {
      const context = { options: this.#options, platform: this.#platform, audio: this.#audio, signal, say };
      return this.#settle(name, await check(context));
    } catch (error) {
      if (signal.aborted) return this.#settle(name, { finding: 'stopped' });
      // Not louder: the error may quote an SDP. The report says that it was not checked.
      console.debug(`tincan: the check ${name} went wrong`, error);
      return this.#settle(name, { finding: 'check-failed' });
    }
  }

  #skipped(why: Finding): Finding {
    return this.#stop.signal.aborted ? 'stopped' : why;
  }

  #settle(name: CheckName, { finding, figures = {}, target }: Outcome): CheckResult {
    const { status, message, remedy } = findingRow(finding);
    const result: CheckResult = {
      name,
      status,
      finding,
      message,
      ...(remedy && { remedy }),
      figures,
      ...(target && { target }),
    };
    this.#results.set(name, result);
    this.emit('progress', result);
    return result;
  }
}

function wrongIn({ token, guest, device }: PreflightOptions): string | undefined {
  if (!token && guest === undefined) return 'neither token nor guest is given';
  return device === undefined || isName(device) ? undefined : 'device is not a name';
}
