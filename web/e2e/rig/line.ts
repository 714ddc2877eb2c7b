/** A line between pages and the server that can go dead as a network does: nothing passes, and nobody is told. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class Line {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #dead = false;

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  static async to(port: number): Promise<Line> {
    const listener = createServer();
    const line = new Line(listener);
    listener.on('connection', (near) => line.#join(near, connect(port, '127.0.0.1')));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return line;
  }

  /** The address of the server's pages at this end of the line. */
  get origin(): string {
    return `http://localhost:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** What is on its way stays where it is, as it does in the buffers of a network stack. */
  takeAway(): void {
    this.#dead = true;
    for (const socket of this.#sockets) socket.pause();
  }

  giveBack(): void {
    this.#dead = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => void to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => this.#sockets.delete(from));
      if (this.#dead) from.pause();
    }
  }
}
