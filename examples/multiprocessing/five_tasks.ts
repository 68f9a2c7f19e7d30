/**
 * Five tasks in a pool of four processes: the fifth begins when one of the others is done. `close()` says that there
 * will be no more, and `join()` waits for all.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/five_tasks.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/five_tasks.ts   # not on Linux
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * The program is process …
 * Waiting until all is done
 * Task Ann runs in process …
 * Task Bob runs in process …
 * Task Cid runs in process …
 * Task Dot runs in process …
 * Task Eve runs in process …
 * Task Ann ran for … ms
 * Task Bob ran for … ms
 * Task Cid ran for … ms
 * Task Dot ran for … ms
 * Task Eve ran for … ms
 * All is done
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Pool } from "../../concurrency/multiprocessing/mod.ts";

/** Runs in a child process: that is why it is exported. */
export async function run_task(name: string): Promise<void> {
  console.log(`Task ${name} runs in process ${Deno.pid}`);
  const start = performance.now();
  await delay(100 + Math.random() * 300);
  console.log(`Task ${name} ran for ${Math.round(performance.now() - start)} ms`);
}

if (import.meta.main) {
  console.log(`The program is process ${Deno.pid}`);
  const pool = new Pool(4);
  for (const name of ["Ann", "Bob", "Cid", "Dot", "Eve"]) pool.apply_async(run_task, [name]);
  pool.close();
  console.log("Waiting until all is done");
  await pool.join();
  console.log("All is done");
}
