import { Emitter } from './emitter.js';
import type { Call } from './call.js';
import type { AudioDevice, AudioEvents, ConnectOptions, DeviceEvents, DeviceOptions, DeviceState } from './types.js';
export declare class AudioDevicesShape extends Emitter<AudioEvents> {
  get inputs(): readonly AudioDevice[];
  get outputs(): readonly AudioDevice[];
  get input(): string | undefined;
  set input(id: string | undefined);
  get output(): string | undefined;
  set output(id: string | undefined);
  get canChooseOutput(): boolean;
  setInput(id: string | undefined): Promise<void>;
  setOutput(id: string | undefined): Promise<void>;
  refresh(): Promise<void>;
  unlock(): Promise<boolean>;
}
export declare class DeviceShape extends Emitter<DeviceEvents> {
  constructor(options?: DeviceOptions);
  get state(): DeviceState;
  get user(): string | undefined;
  get name(): string | undefined;
  get calls(): readonly Call[];
  readonly audio: AudioDevicesShape;
  register(): Promise<void>;
  unregister(): void;
  connect(options: ConnectOptions): Promise<Call>;
  destroy(): void;
}
export class Device extends (Emitter as unknown as typeof DeviceShape) {}
