/**
 * A balance that two threads change, who each put in what they take out: with a lock nothing is left, and without one what
 * chance leaves. Threads of Deno share no variables, so the balance is a `Value`. For plain sums `add()` needs no lock: see
 * `../multiprocessing/shared_counter.ts`.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/balance.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * With a lock: 0
 * Without one: …
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Value } from "../../concurrency/multiprocessing/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";

type Balance = Value<"i">;

/** Puts something in. The clerk is slow. */
async function put(balance: Balance, amount: number): Promise<void> {
  const before = await balance.get();
  await delay(1);
  await balance.set(before + amount);
}

/** Puts something in, and takes the same out. */
async function change(balance: Balance, amount: number): Promise<void> {
  await put(balance, amount);
  await put(balance, -amount);
}

/** Does so many times, with a lock if there is one. */
export async function run(
  balance: Balance,
  amount: number,
  lock: threading.Lock | null,
): Promise<void> {
  for (let time = 0; time < 30; time++) {
    if (lock === null) await change(balance, amount);
    else await lock.run(() => change(balance, amount));
  }
}

/** What two threads leave. */
async function left_by_two(lock: threading.Lock | null): Promise<number> {
  const balance = new Value("i");
  const threads = [5, 8].map((amount) =>
    new threading.Thread({ target: run, args: [balance, amount, lock] })
  );
  await Promise.all(threads.map((thread) => thread.start()));
  await Promise.all(threads.map((thread) => thread.join()));
  return await balance.get();
}

if (import.meta.main) {
  console.log(`With a lock: ${await left_by_two(new threading.Lock())}`);
  console.log(`Without one: ${await left_by_two(null)}`);
}
