/** A proxy in front of the server that lets web pages through, and no WebSockets. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class PagesOnly {
  readonly #listener: Server;

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  static async to(port: number): Promise<PagesOnly> {
    const listener = createServer((asked, reply) => {
      const { method, url, headers } = asked;
      const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (found) => {
        reply.writeHead(found.statusCode ?? 502, found.headers);
        found.pipe(reply);
      });
      passed.on('error', () => reply.destroy());
      asked.pipe(passed);
    });
    listener.on('upgrade', (_asked, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n'));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return new PagesOnly(listener);
  }

  get origin(): string {
    return `http://localhost:${(this.#listener.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#listener.close();
    this.#listener.closeAllConnections();
  }
}
