/** How many turns a request costs: some milliseconds, far more than its reading and writing. */
const TURNS = 2_000_000;
/** As many as take some 50 us. */
export const SHORT = 12_000;

/** Keeps a core busy, and gives a number that depends on every turn, so that none is left out. */
export function compute(turns = TURNS): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) sum = (sum * 31 + turn) % 1_000_003;
  return sum;
}
