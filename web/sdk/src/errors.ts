/**
 * Every way in which the SDK fails: one table from code to sentence, remedy and whether to try again.
 *
 * How a call ended is not an error but an `EndReason`.
 */

import type { Warning } from './types.js';
import type { WireError, WireErrorCode } from './wire.js';

interface ErrorRow {
  /** What happened, for the user. */
  message: string;
  /** What to do about it, for the user. */
  hint: string;
  /** Whether the same act may succeed later without anybody changing anything. */
  retryable: boolean;
}

const row = (message: string, hint: string, retryable = false): ErrorRow => ({ message, hint, retryable });

/** The table. Its keys are the error codes. */
export const ERRORS = {
  'mic-denied': row(
    'The microphone is not allowed on this page.',
    'Allow the microphone in the address bar or in the browser settings of this site, then try again.',
  ),
  'mic-missing': row('No microphone was found.', 'Plug in or switch on a microphone, then try again.'),
  'mic-busy': row(
    'The microphone is in use by another program.',
    'Close the other program that uses the microphone, then try again.',
    true,
  ),
  'insecure-context': row(
    'Browsers allow the microphone only on a secure page.',
    'Open this page over https, or on localhost.',
  ),
  'unsupported-browser': row(
    'This browser cannot make calls.',
    'Use a current version of Chrome, Edge, Firefox or Safari.',
  ),
  'not-registered': row('This device is not connected to the server.', 'Call register() first, and wait for it.'),
  'not-connected': row('No sound flows in this call.', 'Wait until the call is connected.'),
  'signaling-lost': row(
    'The server cannot be reached.',
    'Check the network connection. The device keeps trying while it is registered.',
    true,
  ),
  'session-replaced': row(
    'This device was opened somewhere else, which took over.',
    'Go on there, or register again here.',
  ),
  unauthorized: row('The server refused who you are.', 'Sign in again.'),
  'token-unavailable': row('No token could be fetched.', 'Check the token function and its backend.', true),
  forbidden: row('This is not allowed.', 'Ask whoever runs this server for permission.'),
  'busy-here': row('This device is already in a call.', 'End that call first.'),
  'rate-limited': row('Too many attempts.', 'Wait a moment, then try again.', true),
  timeout: row('The server did not answer in time.', 'Check the network connection, then try again.', true),
  'already-answered': row('Another device accepted this call.', 'Nothing to do: the call goes on there.'),
  'call-ended': row('The call is already over.', 'Call again.'),
  'too-large': row('The context of the call is too large.', 'Keep context under 4000 bytes of JSON.'),
  'bad-argument': row('An argument is not valid.', 'See the documentation of the function.'),
  aborted: row('The attempt was given up.', 'Nothing to do.'),
  'output-unsupported': row(
    'This browser cannot choose a speaker.',
    'Choose the speaker in the settings of the operating system.',
  ),
  'output-missing': row('That speaker is not there.', 'Choose another speaker.'),
  unavailable: row('The server could not do this now.', 'Try again in a moment.', true),
  internal: row('Something went wrong that should not.', 'Reload the page, and report this.'),
} as const satisfies Record<string, ErrorRow>;

/** What the user is told while a call goes on. */
export const WARNINGS: Record<Warning['name'], string> = {
  'input-lost': 'The microphone is gone.',
  'playback-blocked': 'The browser does not play sound before you click.',
  'output-lost': 'The chosen speaker is gone; sound goes to the default one.',
  detached: 'The server no longer knows this call. It goes on, but cannot be mended if it breaks.',
};

/** Stable names of errors. */
export type CallErrorCode = keyof typeof ERRORS;

/** The only error type the SDK throws or rejects with. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: CallErrorCode;
  /** A sentence with the remedy. */
  readonly hint: string;
  /** Whether the same act may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** How long to wait before trying again, milliseconds; only where the server said so. */
  readonly retryAfterMs?: number;

  /** `detail` is for developers and is appended to the message in brackets. */
  constructor(code: CallErrorCode, options: { cause?: unknown; detail?: string; retryAfterMs?: number } = {}) {
    const { message, hint, retryable } = ERRORS[code];
    super(options.detail ? `${message} (${options.detail})` : message, { cause: options.cause });
    this.code = code;
    this.hint = hint;
    this.retryable = retryable;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  /** Any thrown value as a `CallError`; what is one already stays as it is. */
  static from(cause: unknown, code: CallErrorCode = 'internal'): CallError {
    return cause instanceof CallError ? cause : new CallError(code, { cause });
  }

  /** What `getUserMedia` threw, in our words. */
  static fromMicrophone(cause: unknown): CallError {
    if (cause instanceof CallError) return cause;
    const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
    return new CallError(MICROPHONE[name] ?? 'internal', { cause });
  }

  /** An `error` frame of the server, in our words; the server's own are for developers. */
  static fromWire({ code, message, retry_ms }: WireError): CallError {
    // A later server may have codes that are not in the table.
    return new CallError(WIRE[code] ?? 'internal', {
      detail: `${code}: ${message}`,
      ...(retry_ms === undefined ? {} : { retryAfterMs: retry_ms }),
    });
  }
}

/** Names of the DOMException that `getUserMedia` rejects with. */
const MICROPHONE: Record<string, CallErrorCode | undefined> = {
  NotAllowedError: 'mic-denied',
  SecurityError: 'mic-denied',
  NotFoundError: 'mic-missing',
  OverconstrainedError: 'mic-missing',
  NotReadableError: 'mic-busy',
  AbortError: 'mic-busy',
};

/** Codes of an `error` frame; what each means is in docs/PROTOCOL.md. */
const WIRE: Record<WireErrorCode, CallErrorCode> = {
  bad_frame: 'internal',
  unknown_type: 'internal',
  too_large: 'too-large',
  hello_required: 'internal',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  no_such_call: 'call-ended',
  bad_state: 'internal',
  already_answered: 'already-answered',
  already_in_call: 'busy-here',
  rate_limited: 'rate-limited',
  unavailable: 'unavailable',
};
