/**
 * Two peer connections of this page that meet at a relay and nowhere else.
 *
 * ```text
 * near ──▶ relay ──▶ far        packets, which pass this browser's way up and its way down once
 * near ◀── relay ◀── far        echoes
 * ```
 *
 * The data channel is unordered and repeats nothing, so that it loses and delays what sound would lose and delay.
 */

import type { CheckContext } from './check.js';
import { watchGathering } from './gathering.js';
import type { Gathering } from './gathering.js';
import type { IceServer } from './ice-urls.js';
import { waitFor } from './wait.js';

const PATIENCE_MS = 8_000;
const LIKE_SOUND: RTCDataChannelInit = { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 };

export class Loop {
  readonly near: RTCDataChannel;
  readonly far: RTCDataChannel;
  /** What came of asking the relay for a place, at either end. */
  readonly gatherings: readonly [Gathering, Gathering];
  readonly #ends: readonly [RTCPeerConnection, RTCPeerConnection];
  readonly #signal: AbortSignal;
  #settled: (opened: boolean) => void = () => {};

  constructor({ platform, signal }: CheckContext, relay: IceServer) {
    const config: RTCConfiguration = { iceServers: [relay], iceTransportPolicy: 'relay' };
    const near = new platform.RTCPeerConnection!(config);
    const far = new platform.RTCPeerConnection!(config);
    this.#ends = [near, far];
    this.#signal = signal;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      // A candidate that does not fit is one way less; if none is left, the loop does not open.
      from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined).catch(() => {});
      from.onconnectionstatechange = () => from.connectionState === 'failed' && this.#settled(false);
    }
    const look = () => this.#look();
    this.gatherings = [watchGathering(near, look), watchGathering(far, look)];
    this.near = near.createDataChannel('preflight', LIKE_SOUND);
    this.far = far.createDataChannel('preflight', LIKE_SOUND);
    this.near.binaryType = this.far.binaryType = 'arraybuffer';
    this.near.onopen = this.far.onopen = look;
  }

  /** Connects both ends. Returns whether packets can pass; if not, `gatherings` may say why. */
  open(): Promise<boolean> {
    return waitFor(this.#signal, PATIENCE_MS, false, (done) => {
      this.#settled = done;
      void this.#negotiate().catch(() => done(false));
    });
  }

  close(): void {
    for (const end of this.#ends) end.close();
  }

  /** Each description is on its way before the candidates that follow from it, so that none comes too early. */
  async #negotiate(): Promise<void> {
    const [near, far] = this.#ends;
    const offer = await near.createOffer();
    const offered = far.setRemoteDescription(offer);
    await near.setLocalDescription(offer);
    await offered;
    const answer = await far.createAnswer();
    const answered = near.setRemoteDescription(answer);
    await far.setLocalDescription(answer);
    await answered;
  }

  #look(): void {
    if (this.near.readyState === 'open' && this.far.readyState === 'open') this.#settled(true);
    // Without a place at the relay no path can be found, and there is nothing to wait for.
    if (this.gatherings.some(({ complete, candidates }) => complete && candidates.length === 0)) this.#settled(false);
  }
}
