/**
 * A thread that is used again: it takes out of a queue what it shall call, a function and its arguments, one after the
 * other. Functions travel by their names, so they are exported.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/reusable_thread.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * Hello, Ann
 * 3 + 4 is 7
 * Hello, Bob
 * The thread has done 3 tasks
 * ```
 *
 * Who wants results, or several threads, takes a pool: see `../futures/results.ts`.
 *
 * @module
 */
import { Queue } from "../../concurrency/queue/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";

export function greet(name: string): void {
  console.log(`Hello, ${name}`);
}

export function add(one: number, other: number): void {
  console.log(`${one} + ${other} is ${one + other}`);
}

/** What is to be called, and with what. */
type Task = [fn: typeof greet, name: string] | [fn: typeof add, one: number, other: number];

/** Calls what is put into its queue, until that is shut down. */
export class ReusableThread extends threading.Thread {
  done = 0;

  constructor(readonly tasks: Queue<Task>) {
    super();
  }

  override async run(): Promise<void> {
    for await (const [fn, ...args] of this.tasks) {
      Reflect.apply(fn, undefined, args);
      this.done++;
      await this.tasks.task_done();
    }
  }
}

if (import.meta.main) {
  const tasks = new Queue<Task>();
  const thread = new ReusableThread(tasks);
  await thread.start();
  await tasks.put([greet, "Ann"]);
  await tasks.put([add, 3, 4]);
  // All is done, and the thread is still there.
  await tasks.join();
  await tasks.put([greet, "Bob"]);
  await tasks.shutdown();
  await thread.join();
  console.log(`The thread has done ${thread.done} tasks`);
}
