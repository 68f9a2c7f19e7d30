/**
 * A deadlock of two locks, seen through a timeout: two friends share a knife and a fork, and each has taken one. Without a
 * timeout they would wait for ever. With one they see it, put down what they have, and take both in the same order, which
 * cannot end so.
 *
 * ```sh
 * deno run examples/threading/deadlock.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * Ann has the knife
 * Bob has the fork
 * Ann waits for the fork in vain: a deadlock
 * Bob waits for the knife in vain: a deadlock
 * Ann eats
 * Bob eats
 * ```
 *
 * @module
 */
import * as threading from "../../concurrency/threading/mod.ts";

const knife = new threading.Lock();
const fork = new threading.Lock();
const NAMES = new Map([[knife, "the knife"], [fork, "the fork"]]);

/** Without this one, the first might be done before the other begins. */
const both_have_one = new threading.Barrier(2);
/** And without this one, the first to give up would let the other eat. */
const both_gave_up = new threading.Barrier(2);

/** Takes one lock and then the other. */
async function try_to_eat(
  friend: string,
  first: threading.Lock,
  second: threading.Lock,
): Promise<void> {
  using _first = await first.hold();
  console.log(`${friend} has ${NAMES.get(first)}`);
  await both_have_one.wait();
  try {
    using _second = await second.hold({ timeout: 100 });
    console.log(`${friend} eats`);
  } catch (error) {
    if (!(error instanceof threading.TimeoutError)) throw error;
    console.log(`${friend} waits for ${NAMES.get(second)} in vain: a deadlock`);
  }
  await both_gave_up.wait();
}

/** Takes the locks in the order in which everybody does. */
async function eat(friend: string): Promise<void> {
  using _knife = await knife.hold();
  using _fork = await fork.hold();
  console.log(`${friend} eats`);
}

await Promise.all([try_to_eat("Ann", knife, fork), try_to_eat("Bob", fork, knife)]);
await Promise.all([eat("Ann"), eat("Bob")]);
