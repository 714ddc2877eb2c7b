/** Web Audio in which a microphone is as loud as a test says. */

export class FakeSound {
  /** The amplitude at a moment, in milliseconds since the context was made. */
  loudness: (ms: number) => number = voice;
  /** What a context's state is once it was asked to run. */
  state: AudioContextState = 'running';
  readonly made: { state: string }[] = [];

  get AudioContext(): new () => AudioContext {
    const sound = this;
    return class {
      state: string = sound.state;
      currentTime = 0;
      readonly began = performance.now();

      constructor() {
        sound.made.push(this);
      }

      createAnalyser = () => ({
        fftSize: 0,
        getFloatTimeDomainData: (samples: Float32Array) =>
          void samples.fill(sound.loudness(performance.now() - this.began)),
      });
      createMediaStreamSource = node;
      createGain = () => ({ ...node(), gain: { value: 1 } });
      createOscillator = () => ({ ...node(), frequency: { setValueAtTime: () => {} }, start: () => {} });
      createMediaStreamDestination = () => ({ ...node(), stream: {} });
      resume = () => (this.state === 'running' ? Promise.resolve() : new Promise<void>(() => {}));
      close = async () => void (this.state = 'closed');
    } as unknown as new () => AudioContext;
  }
}

const node = () => ({ connect: () => {} });

/** Words with pauses between them. */
export function voice(ms: number): number {
  return ms % 800 < 500 ? 0.2 : 0.002;
}
