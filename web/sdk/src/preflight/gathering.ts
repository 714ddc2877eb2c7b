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
  const gathering: Gathering = { candidates: [], errors: [], tellsErrors: 'onicecandidateerror' in pc, complete: false };
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

/** Gathers until it is complete, `enough` says so, or `ms` are over. */
export async function gather(
  { platform, signal }: CheckContext,
  config: RTCConfiguration,
  ms: number,
  enough: (gathering: Gathering) => boolean,
): Promise<Gathering> {
  const pc = new platform.RTCPeerConnection!(config);
  try {
    let done: () => void = () => {};
    const gathering = watchGathering(pc, (now) => (now.complete || enough(now)) && done());
    pc.createDataChannel('preflight');
    await waitFor<void>(signal, ms, undefined, (resolve) => {
      done = resolve;
      void pc.createOffer().then((offer) => pc.setLocalDescription(offer), resolve);
    });
    return gathering;
  } finally {
    pc.close();
  }
}
