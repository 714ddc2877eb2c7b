/** What a call needs of its device, and what it begins with. */

import type { AudioDevices } from './audio-devices.js';
import type { Call } from './call.js';
import type { IceSetup } from './ice-servers.js';
import type { Platform } from './platform.js';
import type { ConnectOptions, JsonValue, Peer } from './types.js';
import type { ClientFrame } from './wire.js';

export interface CallHost {
  readonly platform: Platform;
  readonly audio: AudioDevices;
  /** Whether a frame would reach the server now. */
  isOnline(): boolean;
  /** Sends now or as soon as the server can be reached. Returns the frame's name, which an error about it repeats. */
  send(frame: ClientFrame): string | undefined;
  /** Runs a task later, or at once when the device is destroyed. */
  later(ms: number, task: () => void): void;
  /** Whether no call of this device may tell an address of it. */
  readonly relayOnly: boolean;
  /** The ICE servers for a call. Never rejects; `undefined` without an answer in time (10 s unless given). */
  iceServers(call: string, withinMs?: number): Promise<IceSetup | undefined>;
  /** Whether another call is under way here, not merely ringing. */
  isBusy(except: Call): boolean;
  /** `settle`: the other browser ended it; the server may not know yet. */
  onEnded(id: string, peer: Peer, settle: boolean): void;
  connect(options: ConnectOptions): Promise<Call>;
}

export type CallInit = {
  id: string;
  peer: Peer;
  context: JsonValue | undefined;
} & (
  | { direction: 'outgoing'; /** Open before anybody is rung. */ microphone: MediaStream }
  | { direction: 'incoming'; /** How long it may ring. */ ringMs: number }
);
