/** Takes down what a stream plays, sample by sample, before any loudspeaker or encoder. */

const PROCESSOR = `
  registerProcessor('take-down', class extends AudioWorkletProcessor {
    process([[channel]]) {
      if (channel) this.port.postMessage(channel.slice());
      return true;
    }
  });`;

export const Recorder = {
  /** 16-bit samples in base64, and how many there are in a second. */
  async record(stream: MediaStream, seconds: number): Promise<{ rate: number; samples: string }> {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([PROCESSOR], { type: 'text/javascript' })));
    const source = context.createMediaStreamSource(stream);
    const tap = new AudioWorkletNode(context, 'take-down', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    const wanted = seconds * context.sampleRate;
    const taken = new Int16Array(wanted);
    let length = 0;
    await new Promise<void>((resolve) => {
      tap.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
        for (const level of data) if (length < wanted) taken[length++] = Math.round(0x7fff * Math.max(-1, Math.min(1, level)));
        if (length >= wanted) resolve();
      };
      source.connect(tap);
    });
    await context.close();
    return { rate: context.sampleRate, samples: base64(new Uint8Array(taken.buffer)) };
  },
};

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x8000)));
  return btoa(parts.join(''));
}
