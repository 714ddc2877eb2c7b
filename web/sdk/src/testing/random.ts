/** A seeded generator (mulberry32), so that a failed random test can be run again. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs `property` with many seeds, and names the seed that failed. */
export function forSeeds(count: number, property: (random: () => number) => void): void {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      property(random(seed));
    } catch (cause) {
      throw new Error(`failed with seed ${seed}`, { cause });
    }
  }
}
