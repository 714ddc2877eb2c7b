/**
 * The tones, made of oscillators: no sound files. A tone that repeats is written ahead on the audio clock for longer than
 * anything may ring, so that it also plays in a tab whose timers are slowed down; stopping it cuts its own little mixer.
 */
import type { CallSummary } from '@tincan/sdk';
import type { Tone } from '../model.js';

/** Longer than the longest ring. */
const AHEAD_S = 130;

interface Note {
  /** Seconds after the start, pitch in hertz, seconds until it died away, loudness 0 to 1. */
  readonly at: number;
  readonly hz: number;
  readonly long: number;
  readonly loud: number;
  /** `pluck` fades from the first moment, `steady` holds. */
  readonly kind: 'pluck' | 'steady';
}

const pluck = (at: number, hz: number, loud = 0.5, long = 0.5): Note => ({ at, hz, long, loud, kind: 'pluck' });
const steady = (at: number, hz: number, long: number, loud = 0.12): Note => ({ at, hz, long, loud, kind: 'steady' });

const [G4, B4, D5, G5, E5] = [392, 493.88, 587.33, 783.99, 659.26];

const loops: Record<Exclude<Tone, 'none'>, { readonly every: number; readonly notes: readonly Note[] }> = {
  ring: { every: 2, notes: [pluck(0.1, G4), pluck(0.2, D5), pluck(0.3, G5), pluck(0.55, B4), pluck(0.65, D5), pluck(0.75, G5, 0.6, 0.9)] },
  ringback: { every: 4, notes: [steady(0.1, 425, 1)] },
  searching: { every: 2.4, notes: [pluck(0.2, G4, 0.14, 0.3), pluck(0.42, G4, 0.09, 0.3)] },
};

export const signals = {
  /** The string is tight. */
  connected: [pluck(0, G4, 0.3), pluck(0.09, B4, 0.3), pluck(0.18, D5, 0.34, 0.8)],
  /** Somebody put the can down. */
  ended: [pluck(0, D5, 0.3), pluck(0.13, G4, 0.34, 0.8)],
  /** The string broke. */
  lost: [pluck(0, E5, 0.3, 0.2), pluck(0.1, 233.08, 0.4, 1.1)],
  busy: [0, 0.5, 1, 1.5].map((at) => steady(at, 425, 0.25)),
} as const satisfies Record<string, readonly Note[]>;

export type Signal = keyof typeof signals;

export class Tones {
  #context: AudioContext | undefined;
  #playing: Tone = 'none';
  #wanted: Tone = 'none';
  #mixer: GainNode | undefined;

  /** Browsers let a page make sound only after a click: call this in a click handler. */
  async unlock(): Promise<void> {
    try {
      this.#context ??= new AudioContext();
      await this.#context.resume();
    } catch {
      // Without sound the page still shows everything.
    }
    this.loop(this.#wanted);
  }

  /** Keeps one tone going until another, or `none`, is asked for. */
  loop(tone: Tone): void {
    this.#wanted = tone;
    const context = this.#context;
    if (context?.state !== 'running' || tone === this.#playing) return;
    this.#stop(context);
    this.#playing = tone;
    if (tone === 'none') return;
    const { every, notes } = loops[tone];
    const mixer = (this.#mixer = mixerOf(context));
    for (let start = 0; start < AHEAD_S; start += every) for (const note of notes) play(context, mixer, note, start);
  }

  signal(name: Signal): void {
    const context = this.#context;
    if (context?.state !== 'running') return;
    const mixer = mixerOf(context);
    for (const note of signals[name]) play(context, mixer, note, 0);
    setTimeout(() => mixer.disconnect(), 4000);
  }

  #stop(context: AudioContext): void {
    const mixer = this.#mixer;
    this.#mixer = undefined;
    if (!mixer) return;
    // A ramp instead of a cut: a cut clicks.
    mixer.gain.setTargetAtTime(0, context.currentTime, 0.015);
    setTimeout(() => mixer.disconnect(), 150);
  }
}

function mixerOf(context: AudioContext): GainNode {
  const mixer = new GainNode(context, { gain: 0.5 });
  mixer.connect(context.destination);
  return mixer;
}

function play(context: AudioContext, mixer: AudioNode, note: Note, after: number): void {
  const start = context.currentTime + after + note.at;
  const end = start + note.long;
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(note.loud, start + 0.008);
  if (note.kind === 'steady') volume.gain.setValueAtTime(note.loud, end - 0.02);
  else volume.gain.exponentialRampToValueAtTime(0.001, end - 0.01);
  volume.gain.linearRampToValueAtTime(0, end);
  volume.connect(mixer);
  // A pluck has a second voice, a little sharp of the octave: that is the tin in it.
  const voices = note.kind === 'steady' ? [{ hz: note.hz, type: 'sine' as const }] : [{ hz: note.hz, type: 'triangle' as const }, { hz: note.hz * 2.012, type: 'sine' as const }];
  for (const { hz, type } of voices) {
    const voice = new OscillatorNode(context, { frequency: hz, type });
    voice.connect(volume);
    voice.start(start);
    voice.stop(end);
  }
}

/** What one hears when a call ends. */
export function signalFor({ reason, by }: CallSummary): Signal {
  if (reason === 'connection_lost' || reason === 'media_failed') return 'lost';
  const refused = reason === 'busy' || reason === 'declined' || reason === 'unreachable' || reason === 'no_answer';
  return refused && by !== 'local' ? 'busy' : 'ended';
}
