/**
 * Two processes talk through a pipe: one asks, the other answers, until the first closes its end. What goes through is
 * copied, and may be anything that can be.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/pipe.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/pipe.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * The other one says: Deno Deno Deno
 * The other one says: Python Python Python
 * Nobody asks any more
 * ```
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";

interface Question {
  word: string;
  times: number;
}

type Asking = multiprocessing.Connection<Question, string>;
type Answering = multiprocessing.Connection<string, Question>;

/** Asks, and prints the answers. */
export async function ask(connection: Asking): Promise<void> {
  using open = connection;
  for (const word of ["Deno", "Python"]) {
    await open.send({ word, times: 3 });
    console.log(`The other one says: ${await open.recv()}`);
  }
}

/** Answers until nobody asks any more. */
export async function answer(connection: Answering): Promise<void> {
  for (;;) {
    try {
      const { word, times } = await connection.recv();
      await connection.send(Array(times).fill(word).join(" "));
    } catch (error) {
      if (!(error instanceof multiprocessing.EOFError)) throw error;
      console.log("Nobody asks any more");
      return;
    }
  }
}

if (import.meta.main) {
  const [asking, answering] = multiprocessing.Pipe<Question, string>();
  const processes = [
    new multiprocessing.Process({ target: ask, args: [asking] }),
    new multiprocessing.Process({ target: answer, args: [answering] }),
  ];
  for (const process of processes) await process.start();
  for (const process of processes) await process.join();
}
