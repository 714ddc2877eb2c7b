/** Names and sizes as the protocol counts them: call ids, the addresses `user/device`, bytes. Pure. */

import type { Peer } from './types.js';
import { LIMITS } from './wire.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Bytes as base64url (RFC 4648 §5) without padding. */
export function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const chars = Math.min(4, Math.ceil(((bytes.length - i) * 4) / 3));
    for (let c = 0; c < chars; c += 1) text += ALPHABET[(group >> (18 - 6 * c)) & 63];
  }
  return text;
}

/** `user/device` or `user` as a {@link Peer}. */
export function parseAddress(address: string): Peer {
  const slash = address.indexOf('/');
  return slash < 0 ? { user: address } : { user: address.slice(0, slash), device: address.slice(slash + 1) };
}

/** Whether the protocol takes `name` for a user or a device. */
export function isName(name: string): boolean {
  return name.length <= LIMITS.nameCharacters && /^[A-Za-z0-9._-]+$/.test(name);
}

/** How many bytes `text` has on the wire, which is UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
