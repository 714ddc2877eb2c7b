/**
 * The name of this device: random, kept for the tab, and never the same in two tabs.
 *
 * `sessionStorage` survives a reload, but is copied when a tab is duplicated. So the name is also a Web Lock: whoever
 * finds it taken makes a new one.
 */

import { base64url } from './ids.js';
import type { Platform } from './platform.js';

const KEY = 'tincan.device';
/** On a reload the page before may hold its lock for a moment longer. */
const PATIENCE_MS = 150;

export interface DeviceName {
  name: string;
  /** Lets another page have it. */
  release: () => void;
}

export async function claimDeviceName(
  platform: Pick<Platform, 'storage' | 'locks' | 'randomBytes'>,
): Promise<DeviceName> {
  const kept = platform.storage?.getItem(KEY);
  if (kept) {
    const release = (await lock(platform, kept)) ?? (await pause(PATIENCE_MS), await lock(platform, kept));
    if (release) return { name: kept, release };
  }
  const name = `web-${base64url(platform.randomBytes(9))}`;
  platform.storage?.setItem(KEY, name);
  const release = await lock(platform, name);
  return { name, release: release ?? (() => {}) };
}

/** Takes the lock; `undefined` if somebody else has it. Without Web Locks everybody gets it. */
function lock(platform: Pick<Platform, 'locks'>, name: string): Promise<(() => void) | undefined> {
  const { locks } = platform;
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    const held = locks.request(`${KEY}.${name}`, { ifAvailable: true }, (granted) => {
      if (!granted) return resolve(undefined);
      // The lock is held until this promise settles.
      return new Promise<void>((release) => resolve(() => release()));
    });
    // A document without storage may not lock either.
    Promise.resolve(held).catch(() => resolve(() => {}));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
