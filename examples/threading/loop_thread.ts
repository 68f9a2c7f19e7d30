/**
 * A thread with a name, and the main thread, which waits for it.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/loop_thread.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * MainThread begins
 * LoopThread begins
 * LoopThread > 1
 * LoopThread > 2
 * LoopThread > 3
 * LoopThread ends
 * MainThread ends
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

/** Runs in a thread: that is why it is exported. */
export async function loop(): Promise<void> {
  const { name } = threading.current_thread();
  console.log(`${name} begins`);
  for (let n = 1; n <= 3; n++) {
    console.log(`${name} > ${n}`);
    await delay(100);
  }
  console.log(`${name} ends`);
}

if (import.meta.main) {
  const { name } = threading.current_thread();
  console.log(`${name} begins`);
  const thread = new threading.Thread({ target: loop, name: "LoopThread" });
  await thread.start();
  await thread.join();
  console.log(`${name} ends`);
}
