/**
 * Threads and their names: one that is waited for, one that fails, of which a hook hears, and a daemon, which does not keep
 * the program from ending: it ends while the daemon still works.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/names_and_daemons.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * daemon begins
 * Thread-1 (work) begins
 * divider failed: RangeError: Division by zero
 * Thread-1 (work) ends
 * alive: MainThread, daemon
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

export async function work(ms: number): Promise<void> {
  const { name } = threading.current_thread();
  console.log(`${name} begins`);
  await delay(ms);
  console.log(`${name} ends`);
}

export function divide(one: bigint, other: bigint): bigint {
  return one / other;
}

if (import.meta.main) {
  threading.set_excepthook(({ error, thread }) => console.log(`${thread.name} failed: ${error}`));

  const worker = new threading.Thread({ target: work, args: [200] });
  const divider = new threading.Thread({ target: divide, args: [1n, 0n], name: "divider" });
  const daemon = new threading.Thread({ target: work, args: [1e9], name: "daemon", daemon: true });
  for (const thread of [daemon, worker, divider]) await thread.start();

  // Its error goes to the hook, join() only waits.
  await divider.join();
  await worker.join();
  console.log("alive:", threading.enumerate().map(({ name }) => name).join(", "));
}
