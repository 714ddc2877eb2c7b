/**
 * One end of a call that is measured. Everything is asked for by `call.ts` through `window.sound`.
 *
 * `plain` leaves out what the SDK does about a bad network: the browser appears to have no RED, no senders to set and no
 * receivers to set. What is left is what browsers do by themselves, and what the descriptions ask of them.
 */
import { Device, type Call, type Quality, type Sample } from '@tincan/sdk';
import { Recorder } from './recorder.js';

export interface Reading {
  readonly sample: Sample;
  readonly quality: Quality | undefined;
}

export interface Sound {
  register(server: string, guest: string, plain: boolean): Promise<void>;
  connect(to: string): Promise<void>;
  /** Waits for the call to come in, and accepts it. */
  accept(): Promise<void>;
  connected(): boolean;
  read(): Promise<Reading>;
  /** What is played for so long, as 16-bit samples in base64, at the rate that is told. */
  record(seconds: number): Promise<{ rate: number; samples: string }>;
}

declare global {
  interface Window {
    sound: Sound;
  }
}

const RED = /^a=(rtpmap:63 red|fmtp:63 ).*\r\n/gm;

class PlainConnection extends RTCPeerConnection {
  constructor(configuration: RTCConfiguration) {
    super(configuration);
    const offer = super.createOffer.bind(this);
    const answer = super.createAnswer.bind(this);
    Object.assign(this, {
      createOffer: async (options?: RTCOfferOptions) => withoutRed(await offer(options)),
      createAnswer: async () => withoutRed(await answer()),
      getSenders: () => [],
      getReceivers: () => [],
    });
  }
}

function withoutRed({ type, sdp = '' }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
  return { type, sdp: sdp.replace(RED, '').replace(/^(m=audio .*) 63\b/m, '$1') };
}

let device: Device;
let call: Call | undefined;

const here = (): Call => {
  if (!call) throw new Error('there is no call');
  return call;
};

window.sound = {
  async register(server, guest, plain) {
    // Filters would take the speech for noise, or for an echo.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    device = new Device({ url: server, guest, audio, ...(plain && { platform: { RTCPeerConnection: PlainConnection } }) });
    await device.register();
  },
  async connect(to) {
    call = await device.connect({ to });
  },
  async accept() {
    call = device.calls[0] ?? (await new Promise<Call>((resolve) => device.once('incoming', resolve)));
    await call.accept();
  },
  connected: () => call?.state === 'connected',
  read: async () => ({ sample: await here().getStats(), quality: here().quality }),
  async record(seconds) {
    const stream = here().remoteStream;
    if (!stream) throw new Error('there is no sound yet');
    return Recorder.record(stream, seconds);
  },
};
