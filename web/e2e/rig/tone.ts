/** Voices for tests: each person speaks one pure tone, so that it can be told who is heard. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Samples a second, in every file that a browser takes for a microphone. */
export const RATE = 48_000;
const BYTES_PER_SAMPLE = 2;
const LOUDNESS = 0.5;

/** A tone that pauses, as who speaks does. */
const WORDS_HZ = 300;
const WORD_S = 0.6;

/** A file that a microphone can be made to hear. */
export type WavFile = `${string}.wav`;

/**
 * Writes one second of a voice as a WAV file (mono, 16 bit) and returns its path: a tone of so many hertz, words, or
 * silence. A whole number of hertz loops without a click.
 */
export function writeVoice(folder: string, voice: number | 'words' | 'silent'): WavFile {
  const hz = voice === 'words' ? WORDS_HZ : Number(voice);
  const spoken = voice === 'silent' ? 0 : voice === 'words' ? WORD_S * RATE : RATE;
  const level = (i: number): number => (i < spoken ? LOUDNESS * Math.sin((2 * Math.PI * hz * i) / RATE) : 0);
  return writeWav(`${join(folder, String(voice))}.wav`, Float32Array.from({ length: RATE }, (_, i) => level(i)));
}

/** Writes sound from −1 to 1 as a WAV file (mono, 16 bit) and returns its path. */
export function writeWav(path: WavFile, sound: Float32Array): WavFile {
  const samples = Buffer.alloc(sound.length * BYTES_PER_SAMPLE);
  sound.forEach((level, i) => samples.writeInt16LE(Math.round(0x7fff * Math.max(-1, Math.min(1, level))), i * BYTES_PER_SAMPLE));
  writeFileSync(path, Buffer.concat([header(samples.length), samples]));
  return path;
}

function header(bytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // mono
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * BYTES_PER_SAMPLE, 28);
  head.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  head.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(bytes, 40);
  return head;
}
