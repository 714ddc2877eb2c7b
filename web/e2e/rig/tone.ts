/** Voices for tests: each person speaks one pure tone, so that it can be told who is heard. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Samples a second, in every file that a browser takes for a microphone. */
export const RATE = 48_000;
const BYTES_PER_SAMPLE = 2;
const LOUDNESS = 0.5;

/** Writes one second of a tone as a WAV file (mono, 16 bit) and returns its path. A whole number of hertz loops without a click. */
export function writeTone(folder: string, hz: number): string {
  const second = Float32Array.from({ length: RATE }, (_, i) => LOUDNESS * Math.sin((2 * Math.PI * hz * i) / RATE));
  return writeWav(join(folder, `${hz}.wav`), second);
}

/** Writes sound from −1 to 1 as a WAV file (mono, 16 bit) and returns its path. */
export function writeWav(path: string, sound: Float32Array): string {
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
