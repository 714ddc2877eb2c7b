import { Emitter } from './emitter.js';
import type { CallEvents, CallState, CallSummary, JsonValue, Level, Path, Peer, Sample } from './types.js';

/** STUB, see git history. */
export declare class CallShape extends Emitter<CallEvents> {
  get id(): string;
  readonly direction: 'outgoing' | 'incoming';
  readonly context: JsonValue | undefined;
  readonly createdAt: number;
  get connectedAt(): number | undefined;
  get peer(): Peer;
  get state(): CallState;
  get muted(): boolean;
  get remoteMuted(): boolean;
  get level(): Level;
  get remoteStream(): MediaStream | undefined;
  readonly ended: Promise<CallSummary>;
  accept(): Promise<void>;
  reject(options?: { scope?: 'all' | 'here'; reason?: 'declined' | 'busy' }): void;
  ignore(): void;
  hangup(): void;
  mute(on?: boolean): void;
  path(): Promise<Path>;
  getStats(): Promise<Sample>;
  setInput(deviceId: string): Promise<void>;
  setOutput(deviceId: string): Promise<void>;
  redial(): Promise<Call>;
}
export class Call extends (Emitter as unknown as typeof CallShape) {}
