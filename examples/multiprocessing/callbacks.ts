/**
 * Results that a callback is told of as soon as they are there, and errors that another one is told of. Callbacks run
 * in the program, where its variables are.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/callbacks.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/callbacks.ts   # not on Linux
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * 7 gives 49
 * 13 gives 10
 * 44 gives 32
 * RangeError: -1 is below zero
 * 100 gives 1
 * Together 92
 * ```
 *
 * @module
 */
import { Pool } from "../../concurrency/multiprocessing/mod.ts";

/** The sum of the squares of the digits of a number. */
export function square_digits(n: number): number {
  if (n < 0) throw new RangeError(`${n} is below zero`);
  return [...String(n)].reduce((sum, digit) => sum + Number(digit) ** 2, 0);
}

if (import.meta.main) {
  await using pool = new Pool(5);
  let sum = 0;
  for (const n of [7, 13, 44, -1, 100]) {
    pool.apply_async(square_digits, [n], {
      callback: (result) => {
        sum += result;
        console.log(`${n} gives ${result}`);
      },
      error_callback: (error) => console.log(String(error)),
    });
  }
  pool.close();
  await pool.join();
  console.log(`Together ${sum}`);
}
