/**
 * A subclass of `Thread`: its fields go to the thread, and come back when `run()` has ended. Four threads count the primes
 * of a part each, on all cores.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/thread_subclass.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * primes from 0: 22044
 * primes from 250000: 19494
 * primes from 500000: 18700
 * primes from 750000: 18260
 * below a million: 78498
 * ```
 *
 * @module
 */
import * as threading from "../../concurrency/threading/mod.ts";

/** Counts the primes from one number up to another. */
export class PrimeCounter extends threading.Thread {
  primes = 0;

  constructor(readonly from: number, readonly to: number) {
    super({ name: `primes from ${from}` });
  }

  override run(): void {
    for (let number = this.from; number < this.to; number++) {
      if (this.is_prime(number)) this.primes++;
    }
  }

  is_prime(number: number): boolean {
    for (let factor = 2; factor * factor <= number; factor++) {
      if (number % factor === 0) return false;
    }
    return number > 1;
  }
}

if (import.meta.main) {
  const counters = [0, 1, 2, 3].map((part) =>
    new PrimeCounter(part * 250_000, (part + 1) * 250_000)
  );
  for (const counter of counters) await counter.start();
  let sum = 0;
  for (const counter of counters) {
    await counter.join();
    console.log(`${counter.name}: ${counter.primes}`);
    sum += counter.primes;
  }
  console.log(`below a million: ${sum}`);
}
