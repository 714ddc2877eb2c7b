/**
 * One peer connection: offers, answers, candidates, and the `ctl` data channel beside the sound.
 *
 * Perfect negotiation (W3C WebRTC §10.7) with the callee polite, but with explicit offers and every step in one queue:
 * when a description is handled, the signaling state is certain, so a collision is simply an offer that meets an offer.
 * An answer repeats its offer's number, so one to an offer that was since replaced or withdrawn is told apart.
 *
 * A collision should hardly ever happen. It makes the polite side roll back, and in Chromium after any rollback on a
 * connected call the other side's track is digital silence to Web Audio for the rest of that call.
 *
 * Not here: when to restart (`watchdog.ts`), who does so (`leg.ts`).
 */

import { sendRed } from './red.js';
import { iceUfrag, isRelay, withWishes, withoutAddresses, withoutRelated } from './sdp.js';
import { Trickle } from './trickle.js';
import type { Bars } from './types.js';
import type { CallUpdate, ClientFrame, HangUpReason, ServerFrame, WireCandidate, WireDescription } from './wire.js';

/** What travels between the two browsers without the server. */
export type CtlMessage =
  | { type: 'hangup'; reason: HangUpReason }
  | { type: 'update'; update: CallUpdate }
  /** How the sender of it hears the other. */
  | { type: 'quality'; bars: Bars };

/** What a peer connection sends by way of the server. Its call is added where that is known. */
export type MediaFrame = WithoutCall<Extract<ClientFrame, { type: 'offer' | 'answer' | 'candidates' }>>;
// Asks something of `Frame`, so that it is done to each frame of a union and not to what they share.
type WithoutCall<Frame> = Frame extends unknown ? Omit<Frame, 'call'> : never;

/** The frames of the other side that belong here. */
export type RemoteMediaFrame = Extract<ServerFrame, { type: 'offer' | 'answer' | 'candidate' | 'candidates' }>;

interface MediaOptions {
  pc: RTCPeerConnection;
  polite: boolean;
  send: (frame: MediaFrame) => void;
  /** Gets fresh ICE servers before a restart, on either side. Never rejects. */
  refresh: (pc: RTCPeerConnection) => Promise<void>;
  /** Whether what is sent may tell no address of ours. */
  hidesAddresses: () => boolean;
  onTrack: (track: MediaStreamTrack) => void;
  onState: (state: RTCPeerConnectionState) => void;
  onCtl: (message: CtlMessage) => void;
}

export class Media {
  readonly #options: MediaOptions;
  readonly #pc: RTCPeerConnection;
  readonly #ctl: RTCDataChannel;
  readonly #trickle: Trickle;
  /** Every step runs after the one before it. */
  #queue: Promise<void> = Promise.resolve();
  /** Candidates that came before the description they belong to. */
  #early: WireCandidate[] = [];
  /** The number of our latest offer. */
  #offer = 0;
  #remoteIsV1 = false;
  #sendsRed = false;
  #closed = false;

  constructor(options: MediaOptions) {
    this.#options = options;
    const pc = (this.#pc = options.pc);
    this.#trickle = new Trickle((data) => this.#send({ type: 'candidates', data }));
    pc.onicecandidate = ({ candidate }) => this.#found(candidate);
    pc.ontrack = ({ track }) => options.onTrack(track);
    pc.onconnectionstatechange = () => {
      if (!this.#closed) options.onState(pc.connectionState);
    };
    // Negotiated in advance on both sides, so it costs no round trip and no event.
    this.#ctl = pc.createDataChannel('ctl', { negotiated: true, id: 0 });
    this.#ctl.onmessage = ({ data }) => this.#heard(String(data));
  }

  /** Whether an offer of ours waits for its answer. */
  get offerPending(): boolean {
    return this.#pc.signalingState === 'have-local-offer';
  }

  /** Whether the other side's offers have no number: it is a v1 client, which hears nothing of how our sound is. */
  get remoteIsV1(): boolean {
    return this.#remoteIsV1;
  }

  /** Offers. With `restart`, also if a path exists: both sides then look for a new one (RFC 8445 §9). */
  negotiate(options: { restart: boolean }): void {
    void this.#enqueue(() => this.#makeOffer(options.restart));
  }

  /** Takes a frame of the other side, in the order of arrival. */
  receive(frame: RemoteMediaFrame): void {
    switch (frame.type) {
      case 'offer':
        return void this.#enqueue(() => this.#takeOffer(frame.data));
      case 'answer':
        return void this.#enqueue(() => this.#takeAnswer(frame.data));
      case 'candidate':
        return void this.#enqueue(() => this.#takeCandidates([frame.data]));
      case 'candidates':
        return void this.#enqueue(() => this.#takeCandidates(frame.data));
    }
  }

  /** Sends each packet of sound once more in the next one, or not, where both browsers can. Resolves when it is so. */
  sendRed(on: boolean): Promise<void> {
    this.#sendsRed = on;
    return this.#enqueue(() => sendRed(this.#pc, on));
  }

  /** Says it straight to the other browser. Returns whether the channel was open. */
  tell(message: CtlMessage): boolean {
    if (this.#ctl.readyState !== 'open') return false;
    this.#ctl.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#trickle.stop();
    this.#pc.close();
  }

  async #makeOffer(restart: boolean): Promise<void> {
    const pc = this.#pc;
    // An offer that was not answered is replaced and not rolled back; a late answer to it has the wrong number.
    if (pc.signalingState !== 'stable' && pc.signalingState !== 'have-local-offer') return;
    if (restart) await this.#options.refresh(pc);
    const { sdp } = await pc.createOffer({ iceRestart: restart });
    await pc.setLocalDescription({ type: 'offer', sdp: sdp ?? '' });
    this.#offer += 1;
    this.#describe({ type: 'offer', sdp: sdp ?? '', n: this.#offer });
  }

  async #takeOffer({ sdp, n }: WireDescription): Promise<void> {
    const pc = this.#pc;
    this.#remoteIsV1 = n === undefined;
    // The impolite side insists on its own offer; the polite one will withdraw when that arrives.
    if (pc.signalingState !== 'stable' && !this.#options.polite) return;
    // Before the description: from there on the browser gathers for it.
    if (pc.remoteDescription && iceUfrag(pc.remoteDescription.sdp) !== iceUfrag(sdp)) await this.#options.refresh(pc);
    // Rolls back an offer of our own, if there is one.
    await pc.setRemoteDescription({ type: 'offer', sdp });
    await this.#addEarly();
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    this.#describe({ type: 'answer', sdp: answer.sdp ?? '', ...(n === undefined ? {} : { n }) });
    await this.#stayRed();
  }

  async #takeAnswer({ sdp, n }: WireDescription): Promise<void> {
    if (this.#pc.signalingState !== 'have-local-offer' || (n !== undefined && n !== this.#offer)) return;
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    await this.#addEarly();
    await this.#stayRed();
  }

  /** A new description of the other side has Opus first again. */
  async #stayRed(): Promise<void> {
    if (this.#sendsRed) await sendRed(this.#pc, true);
  }

  async #takeCandidates(candidates: (WireCandidate | null)[]): Promise<void> {
    const known = candidates.filter((candidate) => candidate !== null);
    this.#early.push(...known);
    if (this.#pc.remoteDescription) await this.#addEarly();
  }

  async #addEarly(): Promise<void> {
    for (const candidate of this.#early.splice(0)) {
      try {
        await this.#pc.addIceCandidate(candidate);
      } catch {
        // Of an offer that was replaced, withdrawn or not taken. If it mattered, no path is found, and the watchdog restarts.
      }
    }
  }

  /** A candidate of ours. An empty one ends one generation; `null` ends gathering and says the same. */
  #found(candidate: RTCIceCandidate | null): void {
    if (candidate?.candidate === '') return;
    const found = candidate && candidate.toJSON();
    if (!found || !this.#options.hidesAddresses()) return this.#trickle.add(found);
    const text = found.candidate ?? '';
    if (isRelay(text)) this.#trickle.add({ ...found, candidate: withoutRelated(text) });
  }

  #describe(data: WireDescription): void {
    this.#trickle.flush();
    const wished = withWishes(data.sdp);
    const sdp = this.#options.hidesAddresses() ? withoutAddresses(wished) : wished;
    this.#send({ type: data.type, data: { ...data, sdp } });
  }

  #send(frame: MediaFrame): void {
    if (!this.#closed) this.#options.send(frame);
  }

  #heard(text: string): void {
    if (this.#closed) return;
    try {
      this.#options.onCtl(JSON.parse(text) as CtlMessage);
    } catch {
      // Not JSON: a peer of another version.
    }
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    return (this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        // The watchdog or the call's deadline decides what becomes of it. Not louder: the error may quote the SDP.
        if (!this.#closed) console.debug('tincan: a step of the negotiation failed', error);
      }
    }));
  }
}
