/**
 * A dict and a list that processes share: a manager makes them, and each of three processes adds to both.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/shared_dict_and_list.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/shared_dict_and_list.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * The dict has Ann: 3, Bob: 3, Cyril: 5
 * The list has 0, 1, 2, 3, 3, 5
 * ```
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";

type Lengths = multiprocessing.DictProxy<string, number>;
type Numbers = multiprocessing.ListProxy<number>;

/** Runs in a process: that is why it is exported. */
export async function add(name: string, lengths: Lengths, numbers: Numbers): Promise<void> {
  await lengths.set(name, name.length);
  await numbers.append(name.length);
}

if (import.meta.main) {
  await using manager = new multiprocessing.Manager();
  const lengths = await manager.dict<string, number>();
  const numbers = await manager.list([0, 1, 2]);
  for (const name of ["Ann", "Bob", "Cyril"]) {
    const process = new multiprocessing.Process({ target: add, args: [name, lengths, numbers] });
    await process.start();
    await process.join();
  }
  const items = await lengths.items();
  console.log(`The dict has ${items.map(([name, length]) => `${name}: ${length}`).join(", ")}`);
  console.log(`The list has ${(await numbers.copy()).join(", ")}`);
}
