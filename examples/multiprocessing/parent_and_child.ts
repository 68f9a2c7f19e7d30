/**
 * A process and its child: what `os.fork()` shows in Python. Deno cannot fork, so the child is a new process, which imports
 * this module and runs the function.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/parent_and_child.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/parent_and_child.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * I am the parent, process …
 * I am the child, process …, a child of … (MainProcess)
 * Process … has ended with exit code 0
 * ```
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";

export function tell(name: string): void {
  const process = multiprocessing.current_process();
  const parent = multiprocessing.parent_process()!;
  console.log(`I am ${name}, process ${process.pid}, a child of ${parent.pid} (${parent.name})`);
}

if (import.meta.main) {
  console.log(`I am the parent, process ${Deno.pid}`);
  const child = new multiprocessing.Process({ target: tell, args: ["the child"] });
  await child.start();
  await child.join();
  console.log(`Process ${child.pid} has ended with exit code ${child.exitcode}`);
}
