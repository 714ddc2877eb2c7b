/** One call, as its user sees it: what can be seen of it, and what can be done. The inside is in `call-core.ts`. */

import { CallCore } from './call-core.js';
import { WORD_MS } from './deadline.js';
import { CallError } from './errors.js';
import { stopTracks } from './leg.js';
import { pathOf, sampleOf } from './stats.js';
import type { Path, RejectOptions, Sample } from './types.js';

/** One call. Made by `device.connect()` or handed out by the device's `incoming` event. */
export class Call extends CallCore {
  /**
   * Accepts an incoming call: opens the microphone (so call this in a click handler), then tells the server.
   *
   * Rejects with a `CallError`: `mic-…` (the call goes on ringing, so try again or reject it), `busy-here`, or
   * `call-ended` if it ended meanwhile.
   */
  async accept(): Promise<void> {
    if (this.host.isBusy(this)) throw new CallError('busy-here');
    if (!this.step('accept')) throw new CallError(this.state === 'ended' ? 'call-ended' : 'bad-argument');
    // Asked for now, so that they are here when the microphone is.
    const ice = this.askIce();
    let microphone: MediaStream;
    try {
      microphone = await this.host.audio.openMicrophone(this.host.audio.input);
    } catch (error) {
      this.step('accept-failed');
      throw error;
    }
    // In between it may have ended, or been accepted by glare.
    if (this.#isEnded()) {
      stopTracks(microphone);
      throw new CallError('call-ended');
    }
    this.makeLeg(microphone, ice);
    if (this.state !== 'accepting') return this.begin();
    this.send({ type: 'call-accept', call: this.id });
    this.deadline.set(WORD_MS, () => this.abandon('connection_lost'));
  }

  /** Rejects an incoming call, on all devices of this user unless `scope` is `here`. Else does nothing. */
  reject({ scope = 'all', reason = 'declined' }: RejectOptions = {}): void {
    if (this.state !== 'incoming' && this.state !== 'accepting') return;
    this.send({ type: 'call-reject', call: this.id, data: { reason, scope } });
    this.finish(reason, 'local');
  }

  /** Stops ringing here; other devices of this user go on. */
  ignore(): void {
    this.reject({ scope: 'here' });
  }

  /** Ends the call in whatever state it is: cancels, rejects or hangs up. Works while the server is away. */
  hangup(): void {
    switch (this.state) {
      case 'ended':
        return;
      case 'incoming':
      case 'accepting':
        return this.reject();
      case 'requesting':
      case 'delivered':
      case 'ringing':
        this.send({ type: 'call-cancel', call: this.id });
        return this.finish('cancelled', 'local');
      case 'negotiating':
      case 'connected':
      case 'reconnecting':
        return this.abandon('hung_up');
    }
  }

  /** Mutes our microphone, or with `false` unmutes it, and tells the other side. May be called before the call is accepted. */
  mute(on = true): void {
    this.setMuted(on);
  }

  /** Whether sound goes straight or through a relay. Never rejects. */
  async path(): Promise<Path> {
    try {
      return this.leg ? pathOf(await this.leg.stats()) : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  /** One reading of the statistics. Rejects with `not-connected` if there is no connection. */
  async getStats(): Promise<Sample> {
    if (!this.leg) throw new CallError('not-connected');
    return sampleOf(await this.leg.stats(), Date.now());
  }

  /** Changes the microphone of this call. Rejects with `mic-…` or `not-connected`; the old one then stays in use. */
  async setInput(deviceId: string | undefined): Promise<void> {
    if (!this.leg) throw new CallError('not-connected');
    await this.leg.useInput(deviceId);
  }

  /** Changes the speaker; the same as `device.audio.setOutput()`. */
  setOutput(deviceId: string | undefined): Promise<void> {
    return this.host.audio.setOutput(deviceId);
  }

  /** Calls the same user again, with the same context. Rejects like `device.connect()`. */
  redial(): Promise<Call> {
    const { context } = this;
    return this.host.connect({ to: this.peer.user, ...(context === undefined ? {} : { context }) });
  }

  /** @internal The page goes away, and every call on it. A call that rings here goes on ringing elsewhere. */
  pageGone(): void {
    if (this.state === 'incoming' || this.state === 'accepting') this.ignore();
    else this.hangup();
  }

  /** Reads the state anew, where something awaited may have changed it. */
  #isEnded(): boolean {
    return this.state === 'ended';
  }
}
