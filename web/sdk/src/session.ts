/**
 * The session with the server: what outlives lost connections.
 *
 * ```text
 * closed --open--> connecting --welcome--> open --lost--> waiting --back-off--> connecting
 *    ^                                                       |
 *    '------------- close(), or the server said: do not come back
 * ```
 *
 * Frames given to {@link Session.send} arrive exactly once and in order for as long as the server keeps the session,
 * however often the connection is lost. If the server has lost it, only frames that are safe to repeat are sent again.
 *
 * Not here: what frames mean (`device.ts`, `call-core.ts`), numbering (`window.ts`), whether to come back (`reconnect.ts`).
 */

import type { Credentials } from './credentials.js';
import { Emitter } from './emitter.js';
import { CallError } from './errors.js';
import { Liveness } from './liveness.js';
import type { Platform } from './platform.js';
import { afterClose, backOff } from './reconnect.js';
import { ACK_EVERY, Window } from './window.js';
import { CLOSE, SUBPROTOCOL } from './wire.js';
import type { ArrivingFrame, ClientConnectionFrame, ClientFrame, NumberedFrame, ServerFrame, Welcome } from './wire.js';

/** How long a connection may take from the first byte to `welcome`. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The longest a received frame stays unacknowledged. */
const ACK_AFTER_MS = 500;
/** A connection that lasted this long resets the back-off. */
const STABLE_AFTER_MS = 5_000;
/** Closes a connection that we replace: the server keeps the session for the next one. */
const CLOSE_RECONNECT = 4000;
/** Closes the last connection of a session: the server forgets the session at once. */
const CLOSE_GOODBYE = CLOSE.normal;

/** What is sent again to a server that lost the session: all of it is idempotent. */
const REPEATABLE: ReadonlySet<ClientFrame['type']> = new Set([
  'call-request',
  'call-accept',
  'call-reject',
  'call-cancel',
  'hangup',
  'ice-servers-request',
] as const);

export interface SessionEvents {
  /** A connection is open. `resent`: the calls of which something was sent again to a server that lost the session. */
  welcome: { welcome: Welcome; resent: ReadonlySet<string> };
  frame: ServerFrame;
  /** The connection was lost, or could not be made; the next attempt comes in `inMs`. */
  lost: { attempt: number; inMs: number; error?: CallError };
  /** The server does not want this device: the session is closed for good. */
  refused: CallError;
}

interface SessionOptions {
  url: string;
  device: string;
  credentials: Credentials;
  platform: Platform;
}

type Timer = ReturnType<typeof setTimeout>;

export class Session extends Emitter<SessionEvents> {
  readonly #options: SessionOptions;
  readonly #window = new Window();
  readonly #liveness: Liveness;
  #state: 'closed' | 'connecting' | 'open' | 'waiting' = 'closed';
  #socket: WebSocket | undefined;
  /** Counts connections, so that what an old one still says is ignored. */
  #generation = 0;
  #resume: { session: string; secret: string } | undefined;
  #attempt = 0;
  #openedAt = 0;
  #goawayAt: number | undefined;
  #tokenRefused = false;
  #names = 0;
  #connectTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #ackTimer: Timer | undefined;

  constructor(options: SessionOptions) {
    super();
    this.#options = options;
    this.#liveness = new Liveness(
      () => this.#write({ type: 'ping' }),
      () => this.#drop(CLOSE.idle),
    );
  }

  /** Whether frames reach the server now. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Starts connecting, and keeps at it until {@link close}. */
  open(): void {
    if (this.#state === 'closed') void this.#connect();
  }

  /** Says goodbye. The session cannot be resumed; what was unacknowledged is forgotten. */
  close(): void {
    this.#detach(CLOSE_GOODBYE);
    this.#state = 'closed';
    clearTimeout(this.#retryTimer);
    this.#forget();
    this.#attempt = 0;
    this.#tokenRefused = false;
    this.#goawayAt = undefined;
  }

  /**
   * Sends a frame now or as soon as there is a connection. Returns the frame's name, which an `error` repeats in `re`;
   * `undefined` if too much is unacknowledged.
   */
  send(frame: ClientFrame): string | undefined {
    return this.#send(frame, `f${(this.#names += 1)}`);
  }

  /** The network may have changed: connects at once if not connected, else finds out quickly whether it still is. */
  nudge(): void {
    if (this.#state === 'waiting') {
      this.#attempt = 0;
      void this.#connect();
    } else if (this.#state === 'open') {
      this.#liveness.probe();
    }
  }

  #send(frame: ClientFrame, id: string): string | undefined {
    const numbered = this.#window.send(frame, id);
    if (!numbered) return undefined;
    if (this.#state === 'open') this.#write({ ...numbered, ack: this.#takeAck() });
    return id;
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#retryTimer);
    this.#state = 'connecting';
    const generation = (this.#generation += 1);
    this.#connectTimer = setTimeout(() => this.#drop(CLOSE.helloTimeout), CONNECT_TIMEOUT_MS);
    const { credentials, device, platform, url } = this.#options;
    let socket: WebSocket;
    let identity: { token: string } | { guest: string };
    try {
      identity = await credentials.get();
      if (generation !== this.#generation) return;
      socket = new platform.WebSocket(url, SUBPROTOCOL);
    } catch (cause) {
      if (generation !== this.#generation) return;
      const error = CallError.from(cause, 'bad-argument');
      // Only what may pass by itself is worth trying again.
      if (error.retryable) this.#wait(0, error);
      else this.#refuse(error);
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      const resume = this.#resume && { resume: { ...this.#resume, ack: this.#window.received } };
      this.#write({ type: 'hello', data: { ...identity, device, ...resume } });
    };
    socket.onmessage = (event: MessageEvent) => {
      if (generation === this.#generation) this.#read(String(event.data));
    };
    // An error is always followed by a close, which says more.
    socket.onclose = (event: CloseEvent) => {
      if (generation === this.#generation) this.#closed(event.code);
    };
  }

  #write(frame: ClientConnectionFrame | NumberedFrame): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  #read(text: string): void {
    this.#liveness.heard();
    let frame: ArrivingFrame;
    try {
      frame = JSON.parse(text) as ArrivingFrame;
    } catch {
      return; // not for us: a server that speaks another version
    }
    if (typeof frame.ack === 'number') this.#window.acknowledged(frame.ack);
    switch (frame.type) {
      case 'welcome':
        return this.#welcome(frame.data);
      case 'goaway':
        return this.#goaway(frame.data.reconnect_in_ms);
      case 'ack':
      case 'pong':
        return;
      default:
        // One without a number is of the connection, and of a later server: it cannot leave a gap.
        if (typeof frame.seq === 'number') this.#numbered(frame, frame.seq);
    }
  }

  #numbered(frame: ServerFrame, seq: number): void {
    const taken = this.#window.take(seq);
    if (taken === 'gap') return this.#drop(CLOSE.gap);
    if (taken === 'old') return;
    if (this.#window.ackOwed >= ACK_EVERY) this.#acknowledge();
    else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_AFTER_MS);
    this.emit('frame', frame);
  }

  #acknowledge(): void {
    if (this.#state === 'open') this.#write({ type: 'ack', ack: this.#takeAck() });
  }

  /** The number to acknowledge, about to be sent. */
  #takeAck(): number {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    return this.#window.ack();
  }

  #welcome(data: Welcome): void {
    if (this.#state !== 'connecting') return;
    clearTimeout(this.#connectTimer);
    this.#state = 'open';
    this.#openedAt = performance.now();
    this.#tokenRefused = false;
    this.#goawayAt = undefined;
    this.#resume = { session: data.session, secret: data.secret };
    this.#liveness.start();
    const resent = new Set<string>();
    if (data.resumed) {
      this.#window.acknowledged(data.ack);
      for (const frame of this.#window.unacknowledged) this.#write({ ...frame, ack: this.#takeAck() });
    } else {
      for (const { id, ...frame } of this.#window.restart()) {
        if (!REPEATABLE.has(frame.type)) continue;
        this.#send(frame as ClientFrame, id ?? '');
        if ('call' in frame) resent.add(frame.call);
      }
    }
    this.emit('welcome', { welcome: data, resent });
  }

  #goaway(inMs: number): void {
    this.#goawayAt = performance.now() + inMs;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#detach(CLOSE_RECONNECT);
      this.#attempt = 0;
      void this.#connect();
    }, inMs);
  }

  /** Gives up a connection that is of no use, without waiting for the other side to agree. */
  #drop(code: number): void {
    this.#detach(CLOSE_RECONNECT);
    this.#closed(code);
  }

  #detach(code: number): void {
    this.#generation += 1;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#liveness.stop();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #closed(code: number): void {
    if (this.#state === 'open' && performance.now() - this.#openedAt >= STABLE_AFTER_MS) this.#attempt = 0;
    this.#detach(CLOSE_RECONNECT);
    const next = afterClose(code);
    switch (next.act) {
      case 'stop':
        return this.#refuse(new CallError(next.error, { detail: `closed with ${code}` }));
      case 'new-token': {
        const worthIt = this.#options.credentials.refused() && !this.#tokenRefused;
        this.#tokenRefused = true;
        return worthIt ? this.#wait(0) : this.#refuse(new CallError('unauthorized'));
      }
      case 'start-anew':
        this.#forget();
        return this.#wait(next.notBeforeMs);
      case 'resume':
        return this.#wait(next.notBeforeMs);
    }
  }

  #wait(notBeforeMs: number, error?: CallError): void {
    this.#detach(CLOSE_RECONNECT);
    this.#state = 'waiting';
    let inMs = Math.max(notBeforeMs, backOff(this.#attempt, this.#options.platform.random()));
    if (this.#goawayAt !== undefined) inMs = Math.max(inMs, this.#goawayAt - performance.now());
    this.#goawayAt = undefined;
    this.#attempt += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => void this.#connect(), inMs);
    this.emit('lost', { attempt: this.#attempt, inMs, ...(error && { error }) });
  }

  #refuse(error: CallError): void {
    this.close();
    this.emit('refused', error);
  }

  #forget(): void {
    this.#window.restart();
    this.#resume = undefined;
  }
}
