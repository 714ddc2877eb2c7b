/** The server's frames about a call, with the members that a test has nothing to say about. */

import type { CallUpdate, JsonValue, ServerFrame } from '../wire.js';

/** Who calls and is called. */
export const BOB = 'bob/phone';

type Data<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T; data: unknown }>['data'];

export const fromServer = {
  request: (call: string, context?: JsonValue): ServerFrame => {
    const data = { media: 'audio', ...(context === undefined ? {} : { context }) };
    return { type: 'call-request', call, from: BOB, data, exp: 45_000 };
  },
  delivered: (call: string, devices = 1): ServerFrame => ({ type: 'call-delivered', call, data: { devices } }),
  ringing: (call: string, from = BOB): ServerFrame => ({ type: 'call-ringing', call, from }),
  accept: (call: string): ServerFrame => ({ type: 'call-accept', call, from: BOB, data: { peer: BOB } }),
  update: (call: string, data: CallUpdate): ServerFrame => ({ type: 'call-update', call, from: BOB, data }),
  ended: (call: string, data: Partial<Data<'call-ended'>> = {}): ServerFrame => ({
    type: 'call-ended',
    call,
    data: { reason: 'hung_up', talk_ms: 0, ...data },
  }),
  error: (call: string, data: Partial<Data<'error'>>): ServerFrame => ({
    type: 'error',
    call,
    data: { code: 'bad_frame', message: 'said by a test', ...data },
  }),
};
