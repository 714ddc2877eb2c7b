/**
 * The sound of one call on this device: microphone, peer connection, watchdog, playback.
 *
 * It is told when the call was accepted and what frames came, and tells when sound came up, was lost, came back.
 * Frames that come before the peer connection exists wait for it.
 *
 * Only the caller restarts ICE, so that offers do not cross (`media.ts` says what that would cost). The callee says that
 * its sound is lost, as often as it would have restarted, and the caller restarts when it hears that. A v1 caller hears
 * nothing of the kind and restarts nothing, so there the callee does it.
 *
 * Not here: the state of the call and the signaling of it (`call-core.ts`), SDP (`media.ts`).
 */

import type { AudioDevices } from './audio-devices.js';
import { CallError } from './errors.js';
import { Gauge } from './gauge.js';
import type { IceConfig } from './ice-config.js';
import { LevelMeter } from './level.js';
import { Media } from './media.js';
import type { CtlMessage, MediaFrame, RemoteMediaFrame } from './media.js';
import type { Platform } from './platform.js';
import { sampleOf } from './stats.js';
import { Tuner } from './tuner.js';
import type { Bars, Level, Quality, Warning } from './types.js';
import { Watchdog } from './watchdog.js';
import type { CallQuality, HangUpReason } from './wire.js';

/** An offer without an answer for so long is made again while the call is being set up. */
const OFFER_AGAIN_MS = 5_000;
/** A relay by TLS is there within a few round trips; a connection that has failed begins anew when a candidate comes. */
const FAILED_MS = 3_000;
/** How long the data channel gets to deliver the last word before the connection is closed. */
const LAST_WORD_MS = 250;

interface LegOptions {
  platform: Platform;
  audio: AudioDevices;
  microphone: MediaStream;
  ice: IceConfig;
  muted: boolean;
  /** Whether the server can be reached now. */
  isOnline: () => boolean;
  /** Runs something later, or at once when the device is destroyed. */
  later: (ms: number, task: () => void) => void;
  send: (frame: MediaFrame) => void;
  onUp: () => void;
  onLost: (cause: 'silence' | 'failed') => void;
  /** A new path is about to be looked for: the other side should know if our sound is lost. */
  onSearch: () => void;
  onBack: (afterMs: number) => void;
  onGiveUp: (reason: HangUpReason) => void;
  onCtl: (message: CtlMessage) => void;
  onWarning: (name: Warning['name']) => void;
  onLevel: (level: Level) => void;
  onQuality: (quality: Quality) => void;
  onReport: (report: CallQuality) => void;
}

export class Leg {
  readonly #options: LegOptions;
  readonly #watchdog: Watchdog;
  readonly #meter: LevelMeter;
  readonly #gauge: Gauge;
  #microphone: MediaStream;
  #muted: boolean;
  #remote: MediaStream | undefined;
  #pc: RTCPeerConnection | undefined;
  #tuner: Tuner | undefined;
  #media: Media | undefined;
  #early: RemoteMediaFrame[] = [];
  #offers = false;
  #begun = false;
  #up = false;
  #closed = false;
  #offerTimer: ReturnType<typeof setTimeout> | undefined;
  #failedTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LegOptions) {
    this.#options = options;
    this.#muted = options.muted;
    this.#microphone = this.#adopt(options.microphone);
    this.#meter = new LevelMeter(options.platform, options.onLevel);
    this.#watchdog = new Watchdog({
      stats: () => this.stats(),
      canRestart: options.isOnline,
      restart: () => this.#search(),
      onLost: (cause) => {
        options.onLost(cause);
        this.#gauge.lost();
      },
      onBack: (afterMs) => {
        this.#gauge.back();
        options.onBack(afterMs);
      },
      onGiveUp: () => options.onGiveUp('connection_lost'),
    });
    this.#gauge = new Gauge({
      stats: async () => sampleOf(await this.stats(), Date.now()),
      isOnline: options.isOnline,
      tell: (bars) => this.#media?.tell({ type: 'quality', bars }) ?? false,
      onTuning: (tuning) => this.#tuner?.apply(tuning),
      onQuality: options.onQuality,
      onReport: options.onReport,
    });
  }

  /** How good the call is; `undefined` before the first second of sound. */
  get quality(): Quality | undefined {
    return this.#gauge.quality;
  }

  get remoteStream(): MediaStream | undefined {
    return this.#remote;
  }

  /** The call was accepted. `offers`: whether we are the caller, who makes the first offer and insists on it. */
  async begin({ offers }: { offers: boolean }): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    this.#offers = offers;
    const { platform, ice } = this.#options;
    const configuration = await ice.first();
    if (this.#closed || !platform.RTCPeerConnection) return;
    let pc: RTCPeerConnection;
    try {
      pc = this.#pc = new platform.RTCPeerConnection(configuration);
    } catch {
      // The list of ICE servers is not one, or the browser has no connection left.
      return this.#options.onGiveUp('media_failed');
    }
    const media = (this.#media = new Media({
      pc,
      polite: !offers,
      send: this.#options.send,
      refresh: (pc) => ice.refresh(pc),
      hidesAddresses: () => ice.hidesAddresses,
      onTrack: (track) => this.#play(track),
      onState: (state) => this.#stateChanged(state),
      onCtl: this.#options.onCtl,
    }));
    for (const track of this.#microphone.getAudioTracks()) pc.addTrack(track, this.#microphone);
    this.#tuner = new Tuner(pc, (on) => media.sendRed(on));
    if (offers) {
      media.negotiate({ restart: false });
      this.#insist();
    }
    for (const frame of this.#early.splice(0)) media.receive(frame);
  }

  receive(frame: RemoteMediaFrame): void {
    if (this.#media) this.#media.receive(frame);
    else this.#early.push(frame);
  }

  /** Looks for a new path sooner if sound stops now. */
  networkChanged(): void {
    this.#watchdog.networkChanged();
  }

  signalingBack(): void {
    this.#watchdog.signalingBack();
  }

  /** The other side says whether it misses our sound. */
  missed(isMissed: boolean): void {
    if (this.#offers) this.#watchdog.missed(isMissed);
  }

  /** The other side says how it hears us. */
  heardThere(bars: Bars): void {
    this.#gauge.heardThere(bars);
  }

  /** The server lost what we had sent, and no sound flows. */
  startOver(): void {
    if (this.#up) this.#watchdog.signalingBack();
    else if (this.#offers) this.#media?.negotiate({ restart: true });
  }

  mute(on: boolean): void {
    this.#muted = on;
    for (const track of this.#microphone.getAudioTracks()) track.enabled = !on;
  }

  /** Changes the microphone under way, without a gap and without negotiation. */
  async useInput(id: string | undefined): Promise<void> {
    const stream = await this.#options.audio.openMicrophone(id);
    const track = stream.getAudioTracks()[0];
    if (this.#closed || !track) {
      stopTracks(stream);
      if (this.#closed) return;
      throw new CallError('mic-missing');
    }
    stopTracks(this.#microphone);
    this.#microphone = this.#adopt(stream);
    const sender = this.#pc?.getSenders().find((s) => s.track?.kind === 'audio' || s.track === null);
    await sender?.replaceTrack(track);
    if (this.#meter.isRunning) this.listen(true);
  }

  /** Starts or stops measuring levels. */
  listen(on: boolean): void {
    if (on && !this.#closed) this.#meter.start({ input: this.#microphone, output: this.#remote });
    else this.#meter.stop();
  }

  /** Straight to the other browser; lost if there is no connection. */
  tell(message: CtlMessage): void {
    this.#media?.tell(message);
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc ? this.#pc.getStats() : Promise.reject(new CallError('not-connected'));
  }

  /** Releases the microphone at once, and the connection after a last word to the other browser, if there is one. */
  close(lastWord?: CtlMessage): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#offerTimer);
    clearTimeout(this.#failedTimer);
    this.#watchdog.stop();
    this.#gauge.stop();
    this.#meter.stop();
    stopTracks(this.#microphone);
    if (this.#remote) this.#options.audio.silence(this.#remote);
    const media = this.#media;
    if (lastWord && media?.tell(lastWord)) this.#options.later(LAST_WORD_MS, () => media.close());
    else media?.close();
  }

  #search(): void {
    this.#options.onSearch();
    if (this.#offers || this.#media?.remoteIsV1) this.#media?.negotiate({ restart: true });
  }

  #stateChanged(state: RTCPeerConnectionState): void {
    if (this.#closed) return;
    if (state === 'connected' && !this.#up) {
      this.#up = true;
      clearTimeout(this.#offerTimer);
      clearTimeout(this.#failedTimer);
      this.#watchdog.start();
      this.#gauge.start();
      this.#options.onUp();
    } else if (state === 'failed') {
      if (this.#up) this.#watchdog.failed();
      else if (this.#offers) this.#startOverWhileFailed();
    }
  }

  /**
   * Where the two have no kind of address in common, all that can be tried at first fails at once, while their relays are still
   * on their way: starting over then would throw away what is about to come, again and again.
   */
  #startOverWhileFailed(): void {
    clearTimeout(this.#failedTimer);
    this.#failedTimer = setTimeout(() => {
      if (this.#pc?.connectionState !== 'failed') return;
      if (this.#options.isOnline()) this.#media?.negotiate({ restart: true });
      this.#startOverWhileFailed();
    }, FAILED_MS);
  }

  /** The first offer or its answer may be lost with the server's memory of the session. */
  #insist(): void {
    this.#offerTimer = setTimeout(() => {
      if (this.#media?.offerPending && this.#options.isOnline()) this.#media.negotiate({ restart: true });
      this.#insist();
    }, OFFER_AGAIN_MS);
  }

  #play(track: MediaStreamTrack): void {
    if (this.#closed) return;
    // Not the event's stream: it is empty again after the other side paused and resumed its track.
    const stream = (this.#remote = new this.#options.platform.MediaStream([track]));
    void this.#options.audio.play(stream).then((plays) => {
      if (!plays && !this.#closed) this.#options.onWarning('playback-blocked');
    });
    if (this.#meter.isRunning) this.listen(true);
  }

  #adopt(stream: MediaStream): MediaStream {
    for (const track of stream.getAudioTracks()) {
      track.enabled = !this.#muted;
      // Only fires when the system takes the microphone away, not when we stop it.
      track.onended = () => {
        if (this.#closed || this.#microphone !== stream) return;
        this.#options.onWarning('input-lost');
        this.useInput(undefined).catch(() => {});
      };
    }
    return stream;
  }
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
