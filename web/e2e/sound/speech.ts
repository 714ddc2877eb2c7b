/** Speech to send over a call: synthesised by espeak-ng, at 48 kHz, with a pause at its end. Made anew each time, and never kept. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { RATE, writeWav, type WavFile } from '../rig/tone.js';

const SAYINGS = [
  'The bakery on the corner opens at six, and by seven the good rolls are gone.',
  'Please ask your sister whether the blue suitcase will fit under the bed.',
  'A quick brown bird built its nest above our kitchen window in the spring.',
];
const VOICES = ['en-us', 'en-gb+f3', 'en-gb'];
const PAUSE_S = 0.6;
const LOUDNESS = 0.6;
/** Half the width of the filter that changes the rate, in samples of the input. */
const REACH = 16;

/** Writes the speech as a WAV file; returns its path and how long it is. */
export function writeSpeech(folder: string): { path: WavFile; seconds: number } {
  const said = SAYINGS.flatMap((text, n) => [...say(text, VOICES[n]!), ...new Float32Array(PAUSE_S * RATE)]);
  const loudest = said.reduce((most, level) => Math.max(most, Math.abs(level)), 0);
  const sound = Float32Array.from(said, (level) => (LOUDNESS * level) / loudest);
  return { path: writeWav(`${join(folder, 'speech')}.wav`, sound), seconds: sound.length / RATE };
}

function say(text: string, voice: string): Float32Array {
  const wav = execFileSync('espeak-ng', ['-v', voice, '-s', '150', '--stdout', text], { maxBuffer: 1 << 24 });
  const rate = wav.readUInt32LE(24);
  // A stream has no length in its header: the samples go on to the end.
  const samples = Float32Array.from({ length: (wav.length - 44) >> 1 }, (_, i) => wav.readInt16LE(44 + 2 * i) / 0x8000);
  return resample(samples, rate);
}

/** From a lower rate to ours, by a sinc under a Hann window. */
function resample(samples: Float32Array, rate: number): Float32Array {
  return Float32Array.from({ length: Math.floor((samples.length * RATE) / rate) }, (_, n) => {
    const at = (n * rate) / RATE;
    let level = 0;
    for (let i = Math.max(0, Math.ceil(at - REACH)); i <= Math.min(samples.length - 1, at + REACH); i += 1) {
      const x = Math.PI * (at - i);
      level += samples[i]! * (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos(x / REACH));
    }
    return level;
  });
}
