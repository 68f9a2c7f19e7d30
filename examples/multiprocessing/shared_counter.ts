/**
 * Two processes and two threads count together: a thousand times each, with the lock of a `Value`, and by `add()`, which
 * needs none. No step is lost.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/shared_counter.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/shared_counter.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * With the lock: 4000; by add(): 4000
 * ```
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";

type Counter = multiprocessing.Value<"i">;

/** Python's `with locked.get_lock(): locked.value += 1`, and the same in one step. */
export async function count(locked: Counter, added: Counter): Promise<void> {
  for (let n = 0; n < 1000; n++) {
    {
      using _hold = await locked.get_lock().hold();
      await locked.set(await locked.get() + 1);
    }
    await added.add(1);
  }
}

if (import.meta.main) {
  const [locked, added] = [new multiprocessing.Value("i"), new multiprocessing.Value("i")];
  const options = { target: count, args: [locked, added] as [Counter, Counter] };
  const counters = [
    new multiprocessing.Process(options),
    new multiprocessing.Process(options),
    new threading.Thread(options),
    new threading.Thread(options),
  ];
  await Promise.all(counters.map((counter) => counter.start()));
  await Promise.all(counters.map((counter) => counter.join()));
  console.log(`With the lock: ${await locked.get()}; by add(): ${await added.get()}`);
}
