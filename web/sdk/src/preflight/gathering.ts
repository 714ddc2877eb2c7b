/** What comes of gathering candidates with certain ICE servers, and nothing more: no path is tried. */

import type { CheckContext } from './check.js';
import { waitFor } from './wait.js';

/** A STUN or TURN server could not be used: `code` is its error code (RFC 8489, RFC 8656), or 701 if it was not reached. */
export interface GatheringError {
  code: number;
  url: string;
}

export interface Gathering {
  candidates: RTCIceCandidate[];
  errors: GatheringError[];
  /** Whether this browser tells errors at all. */
  tellsErrors: boolean;
  /** Whether the browser says that it has tried everything. Browsers try for longer than anybody waits. */
  complete: boolean;
}

/** Notes candidates and errors of `pc` from now on, and calls `moved` after each. */
export function watchGathering(pc: RTCPeerConnection, moved: (gathering: Gathering) => void): Gathering {
  const gathering: Gathering = {
    candidates: [],
    errors: [],
    tellsErrors: 'onicecandidateerror' in pc,
    complete: false,
  };
  pc.addEventListener('icecandidate', ({ candidate }) => {
    // An empty candidate ends one generation; `null` ends everything.
    if (candidate?.candidate) gathering.candidates.push(candidate);
    gathering.complete = candidate === null;
    moved(gathering);
  });
  pc.addEventListener('icecandidateerror', ({ errorCode, url }) => {
    gathering.errors.push({ code: errorCode, url });
    moved(gathering);
  });
  return gathering;
}

/** One gathering for each configuration, in the same order. */
type ForEach<Configs> = { [K in keyof Configs]: Gathering };

/** Gathers with each configuration on its own, until `enough` says so or `ms` are over. */
export async function gather<const Configs extends readonly RTCConfiguration[]>(
  { platform, signal }: CheckContext,
  configs: Configs,
  ms: number,
  enough: (gatherings: ForEach<Configs>) => boolean,
): Promise<ForEach<Configs>> {
  const pcs = configs.map((config) => new platform.RTCPeerConnection!(config));
  try {
    let done: () => void = () => {};
    const gatherings = pcs.map((pc) => watchGathering(pc, () => enough(gatherings) && done())) as ForEach<Configs>;
    await waitFor<void>(signal, ms, undefined, (resolve) => {
      done = resolve;
      for (const pc of pcs) void begin(pc).catch(resolve);
    });
    return gatherings;
  } finally {
    for (const pc of pcs) pc.close();
  }
}

async function begin(pc: RTCPeerConnection): Promise<void> {
  pc.createDataChannel('preflight');
  await pc.setLocalDescription(await pc.createOffer());
}
