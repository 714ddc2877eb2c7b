/** Who people are in the lab: outside of loopback the server takes no guests, and the caller pages know only guests. */
import { createHmac } from 'node:crypto';

const HOUR_S = 3600;

/** A token for a user, as an embedder's backend makes one (HS256). */
export function tokenFor(user: string, secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + HOUR_S;
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, aud: 'tincan', exp })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Put into a page: its `hello` says a token and no guest's name. Nothing else of the page is changed. */
export function sayToken(token: string): void {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (this: WebSocket, said) {
    const frame = JSON.parse(String(said)) as { type: string; data?: Record<string, unknown> };
    if (frame.type !== 'hello') return send.call(this, said);
    const { guest: _, ...rest } = frame.data ?? {};
    send.call(this, JSON.stringify({ ...frame, data: { ...rest, token } }));
  };
}
