/**
 * Two processes and a queue: one writes letters, the other one reads them, and would for ever, so it is terminated when
 * all are read.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/writer_and_reader.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/writer_and_reader.ts   # not on Linux
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * Process … writes A
 * Process … reads A
 * Process … writes B
 * Process … reads B
 * Process … writes C
 * Process … reads C
 * writer: 0
 * reader: -15
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";

type Letters = multiprocessing.Queue<string>;

export async function write(letters: Letters): Promise<void> {
  for (const letter of ["A", "B", "C"]) {
    console.log(`Process ${Deno.pid} writes ${letter}`);
    await letters.put(letter);
    await delay(Math.random() * 100);
  }
}

export async function read(letters: Letters): Promise<void> {
  while (true) {
    const letter = await letters.get();
    console.log(`Process ${Deno.pid} reads ${letter}`);
    await letters.task_done();
  }
}

if (import.meta.main) {
  const letters: Letters = new multiprocessing.Queue();
  const writer = new multiprocessing.Process({ target: write, args: [letters], name: "writer" });
  const reader = new multiprocessing.Process({ target: read, args: [letters], name: "reader" });
  await writer.start();
  await reader.start();
  await writer.join();
  // Until all that was written is read.
  await letters.join();
  reader.terminate();
  await reader.join();
  for (const { name, exitcode } of [writer, reader]) console.log(`${name}: ${exitcode}`);
}
