import { type Remote, StreamRequestHandler, type ThreadingTCPServer } from "../../mod.ts";
import type { Queue } from "../../concurrency/queue/mod.ts";
import type { Lock } from "../../concurrency/threading/mod.ts";

/** A server with one of each. */
export interface SharingServer extends ThreadingTCPServer {
  lock: Lock;
  jobs: Queue<number>;
}

/** What is asked of a handler: `tasks` at once do something, `count` times in all. */
export interface Question {
  what: "lock" | "get" | "get and done" | "put";
  tasks: number;
  count: number;
}

/** Does what a line asks for, and answers with how long it took, in ms. */
export class AskingHandler extends StreamRequestHandler<Remote<SharingServer>> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      const { what, tasks, count } = JSON.parse(new TextDecoder().decode(line)) as Question;
      const { lock, jobs } = this.server;
      const act = {
        lock: use(lock),
        get: get(jobs),
        "get and done": get_done(jobs),
        put: put(jobs),
      };
      await this.wfile.write(`${await measure(act[what], tasks, count)}\n`);
    }
  }
}

/** Takes the lock and gives it back. */
export function use(lock: Lock): () => Promise<unknown> {
  return async () => {
    await lock.acquire();
    lock.release();
  };
}

function get(jobs: Queue<number>): () => Promise<unknown> {
  return () => jobs.get();
}

function get_done(jobs: Queue<number>): () => Promise<unknown> {
  return async () => {
    await jobs.get();
    await jobs.task_done();
  };
}

function put(jobs: Queue<number>): () => Promise<unknown> {
  return () => jobs.put(1);
}

/** How long it takes to do something so often, by so many tasks at once, in ms. */
export async function measure(
  act: () => Promise<unknown>,
  tasks: number,
  count: number,
): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: tasks }, async () => {
    for (let turn = 0; turn < count / tasks; turn++) await act();
  }));
  return performance.now() - start;
}
