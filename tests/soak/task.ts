/** The task that pools of the fire run. */

/** A number that follows from a seed, after so many rounds: the client knows it, too. */
export function mixed(seed: number, rounds: number): number {
  let state = seed | 0;
  for (let round = 0; round < rounds; round++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + round | 0;
  }
  return state >>> 0;
}

/** Where workers find it. */
mixed.module = import.meta.url;
