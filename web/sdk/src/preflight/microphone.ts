/**
 * Whether the microphone hears somebody.
 *
 * ```text
 * permission --opened--> speak --> a voice: it became loud, and quieter again   mic-ok
 *                              --> the same level for 3 s                       mic-silent, or mic-even if it is one sound
 *                              --> 10 s of something, but no voice              mic-quiet
 * ```
 *
 * Even a quiet room moves the level a little; a microphone that is muted or dead does not.
 */

import { CallError } from '../errors.js';
import type { CallErrorCode } from '../errors.js';
import { stopTracks } from '../leg.js';
import { decibels, levelOf } from '../level.js';
import type { Check, CheckContext, Outcome } from './check.js';
import type { Finding } from './findings.js';
import { orAborted, pause, waitFor } from './wait.js';

const EVERY_MS = 100;
const FLAT_MS = 3_000;
const GIVE_UP_MS = 10_000;
/** How long a browser may take to start its sound. */
const START_MS = 3_000;
/** What a sound card begins with is no sound of the room. */
const SETTLE_MS = 300;
/** A voice is louder than this, and pauses by this much less, decibels. */
const VOICE_DB = -45;
const PAUSE_DB = 6;
/** Levels that differ by less are the same; what is below the floor is not told apart, decibels. */
const FLAT_DB = 0.5;
const FLOOR_DB = -100;
const SILENT_DB = -80;

const REFUSED: Partial<Record<CallErrorCode, Finding>> = {
  'mic-denied': 'mic-denied',
  'mic-missing': 'mic-missing',
  'mic-busy': 'mic-busy',
};

export const checkMicrophone: Check = async (context) => {
  const { audio, options, signal, say } = context;
  say({ ask: 'permission' });
  let stream: MediaStream;
  try {
    stream = await orAborted(signal, audio.openMicrophone(options.input), stopTracks);
  } catch (error) {
    const finding = error instanceof CallError ? REFUSED[error.code] : undefined;
    if (!finding) throw error;
    return { finding };
  }
  try {
    return await listen(stream, context);
  } finally {
    stopTracks(stream);
  }
};

async function listen(stream: MediaStream, { platform, signal, say }: CheckContext): Promise<Outcome> {
  if (!platform.AudioContext) return { finding: 'mic-unmeasured' };
  const context = new platform.AudioContext();
  try {
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    context.createMediaStreamSource(stream).connect(analyser);
    await waitFor<void>(signal, START_MS, undefined, (done) => void context.resume().then(done, () => done()));
    // Some browsers start no sound without a click or a sound card, and what is not running reads as silence.
    if (context.state !== 'running') return { finding: 'mic-unmeasured' };
    await pause(signal, SETTLE_MS);
    const samples = new Float32Array(analyser.fftSize);
    const levels: number[] = [];
    for (;;) {
      analyser.getFloatTimeDomainData(samples);
      levels.push(Math.max(FLOOR_DB, decibels(samples)));
      say({ ask: 'speak', level: levelOf(samples) });
      const finding = judge(levels);
      if (finding) return { finding, figures: { peakDb: Math.max(...levels) } };
      await pause(signal, EVERY_MS);
    }
  } finally {
    void context.close().catch(() => {});
  }
}

/** What levels in decibels, one each 100 ms, tell; `undefined`: nothing yet. Pure. */
export function judge(levels: readonly number[]): Finding | undefined {
  if (hasVoice(levels)) return 'mic-ok';
  const latest = levels.slice(-FLAT_MS / EVERY_MS);
  const isFlat = Math.max(...latest) - Math.min(...latest) < FLAT_DB;
  if (latest.length === FLAT_MS / EVERY_MS && isFlat) return latest[0]! < SILENT_DB ? 'mic-silent' : 'mic-even';
  return levels.length >= GIVE_UP_MS / EVERY_MS ? 'mic-quiet' : undefined;
}

function hasVoice(levels: readonly number[]): boolean {
  let loudest = -Infinity;
  return levels.some((level) => {
    loudest = Math.max(loudest, level);
    return loudest > VOICE_DB && level < loudest - PAUSE_DB;
  });
}
