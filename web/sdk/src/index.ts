/**
 * Tincan for the browser: ring somebody, talk, and keep talking while networks and servers come and go.
 *
 * ```ts
 * const device = new Device({ token: async () => (await fetch('/voice-token')).text() });
 * device.on('incoming', (call) => showRinging(call));
 * await device.register();
 * const call = await device.connect({ to: 'bob' }); // in a click handler: the microphone opens here
 * const { reason, talkMs } = await call.ended;
 * ```
 */

export { Device } from './device.js';
export { Call } from './call.js';
export type { AudioDevices } from './audio-devices.js';
export type { Preflight } from './preflight/preflight.js';
export type * from './preflight/types.js';
export type { Finding } from './preflight/findings.js';
export type { VerdictCode } from './preflight/verdict.js';
export { CallError, ERRORS } from './errors.js';
export type { CallErrorCode } from './errors.js';
export type * from './types.js';
