/** A small task. */
export function echo(value: number): number {
  return value;
}

/** How many turns a task costs that computes: some 10 ms. */
const TURNS = 2_000_000;

/** Keeps a core busy. */
export function compute(): number {
  let sum = 0;
  for (let turn = 0; turn < TURNS; turn++) sum = (sum * 31 + turn) % 1_000_003;
  return sum;
}
