/** Whether sound comes out: a tone is played the way a call is, and the user says whether they hear it. */

import type { Check, CheckContext, Outcome } from './check.js';
import { orAborted } from './wait.js';

/** Two notes in turn: easier to hear than one, in any room and at any age. */
const NOTES_HZ = [660, 880] as const;
const NOTE_S = 0.4;
const LOUDNESS = 0.2;
/** How long the notes go on if nobody says anything. */
const NOTES = 600;

export const checkSpeaker: Check = async (context) => {
  const { heard } = context.options;
  if (!heard) return { finding: 'speaker-unasked' };
  if (!context.platform.AudioContext) return { finding: 'speaker-unsupported' };
  const sound = new context.platform.AudioContext();
  try {
    return await ask(sound, heard, context);
  } finally {
    void sound.close().catch(() => {});
  }
};

async function ask(
  sound: AudioContext,
  heard: NonNullable<CheckContext['options']['heard']>,
  { audio, options, signal, say }: CheckContext,
): Promise<Outcome> {
  const stream = tones(sound);
  try {
    void sound.resume().catch(() => {});
    if (options.output !== undefined) await orAborted(signal, audio.setOutput(options.output));
    if (!(await orAborted(signal, audio.play(stream)))) return { finding: 'speaker-blocked' };
    say({ ask: 'listen' });
    return { finding: (await orAborted(signal, heard(signal))) ? 'speaker-ok' : 'speaker-unheard' };
  } finally {
    audio.silence(stream);
  }
}

function tones(sound: AudioContext): MediaStream {
  const oscillator = sound.createOscillator();
  const gain = sound.createGain();
  const out = sound.createMediaStreamDestination();
  gain.gain.value = LOUDNESS;
  for (let n = 0; n < NOTES; n += 1) {
    oscillator.frequency.setValueAtTime(NOTES_HZ[n % 2 === 0 ? 0 : 1], sound.currentTime + n * NOTE_S);
  }
  oscillator.connect(gain);
  gain.connect(out);
  oscillator.start();
  return out.stream;
}
