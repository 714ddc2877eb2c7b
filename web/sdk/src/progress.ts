/**
 * Whether anything still arrives, from one statistics report to the next. Pure.
 *
 * Two kinds of counters are read, because each alone would lie. Packets of sound (`inbound-rtp`, and the payload of
 * `candidate-pair`, which counts RTCP too) may pause when the other side is silent and its encoder saves packets (DTX).
 * The answers to STUN consent checks (RFC 7675, `responsesReceived`) come every few seconds as long as the path works in
 * both directions. The path is taken for lost only when neither moves; sound is taken for back only when sound is.
 * Requests of the other side are not counted: they reach us also when nothing of ours gets through.
 */

/** The members of a report that are read. */
interface Counters {
  id: string;
  type: string;
  kind?: string;
  packetsReceived?: number;
  bytesReceived?: number;
  responsesReceived?: number;
}

export class Progress {
  readonly #seen = new Map<string, number>();

  /** Compares `report` with the one before it. `sound`: media or control packets came. `path`: anything came. */
  read(report: Iterable<[string, unknown]>): { sound: boolean; path: boolean } {
    let sound = false;
    let checks = false;
    for (const [, entry] of report) {
      const { id, type, kind, packetsReceived, bytesReceived, responsesReceived } = entry as Counters;
      if (type === 'inbound-rtp' && (kind ?? 'audio') === 'audio') {
        sound = this.#moved(`${id}/packets`, packetsReceived) || sound;
      } else if (type === 'candidate-pair') {
        sound = this.#moved(`${id}/bytes`, bytesReceived) || sound;
        checks = this.#moved(`${id}/checks`, responsesReceived) || checks;
      }
    }
    return { sound, path: sound || checks };
  }

  #moved(name: string, value: number | undefined): boolean {
    if (value === undefined) return false;
    const before = this.#seen.get(name) ?? 0;
    // A counter that vanished and came back smaller belongs to a new transport: start over with it.
    this.#seen.set(name, value);
    return value > before;
  }
}
