/** A WebSocket and a server behind it that do only what a test says. */

import type { ServerFrame, Welcome } from '../wire.js';

type Sent = Record<string, unknown> & { type: string; seq?: number; ack?: number; id?: string; call?: string };

class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  /** What the client sent on this socket. */
  readonly sent: Sent[] = [];
  closedWith: number | undefined;
  /** Whether pings are answered. */
  pongs = false;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {}

  send(text: string): void {
    const frame = JSON.parse(text) as Sent;
    this.sent.push(frame);
    if (frame.type === 'ping' && this.pongs) this.onmessage?.({ data: '{"type":"pong"}' });
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }
}

export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  /** Answers pings and acknowledges, as a server does. */
  polite = false;
  #seq = 0;

  readonly WebSocket: new (url: string, protocol: string) => WebSocket;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        sockets.push(this);
      }
    } as unknown as new (url: string, protocol: string) => WebSocket;
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket yet');
    return socket;
  }

  /** Everything the client ever sent of one type. */
  sent(type: string): Sent[] {
    return this.sockets.flatMap((socket) => socket.sent).filter((frame) => frame.type === type);
  }

  /** What the client sent on the present socket, without `hello`, `ack` and `ping`. */
  numbered(): Sent[] {
    return this.socket.sent.filter((frame) => frame.seq !== undefined);
  }

  /** Lets the handshake succeed: the client sends `hello`. */
  open(): void {
    this.socket.readyState = 1;
    this.socket.pongs = this.polite;
    this.socket.onopen?.();
  }

  /** Opens a session; a new one unless `resumed` is given. */
  welcome(data: Partial<Welcome> = {}): void {
    if (!data.resumed) this.#seq = 0;
    this.raw({
      type: 'welcome',
      data: {
        user: 'alice',
        device: 'web',
        session: 's1',
        secret: `secret${this.sockets.length}`,
        resumed: false,
        ack: 0,
        resume_s: 60,
        calls: [],
        ...data,
      },
    });
  }

  /** Sends a numbered frame. */
  send(frame: ServerFrame): void {
    this.raw({ ...frame, seq: (this.#seq += 1) });
  }

  /** Acknowledges everything. */
  ack(): void {
    this.raw({ type: 'ack', ack: this.numbered().at(-1)?.seq ?? 0 });
  }

  raw(frame: object): void {
    this.socket.onmessage?.({ data: JSON.stringify(frame) });
  }

  close(code = 1006): void {
    const { socket } = this;
    socket.readyState = 3;
    socket.onclose?.({ code });
  }
}
