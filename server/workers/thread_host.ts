import { SHARE_ENV, Worker } from "node:worker_threads";
import type { ToWorker } from "./messages.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/**
 * Never called: it makes the worker's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_entry = (): Promise<unknown> => import("./thread_entry.ts");

/** A worker in a thread of this process. */
export class ThreadHost implements WorkerHost {
  readonly name: string;
  readonly shares_memory = true;
  #worker: Worker;

  constructor(id: number, events: HostEvents) {
    this.name = `Worker ${id}`;
    // Sharing the environment needs no permission; copying it, the default, would ask for one.
    this.#worker = new Worker(entry_url(), { env: SHARE_ENV, name: `socketserver ${id}` });
    let cause: unknown;
    this.#worker.on("message", events.received);
    this.#worker.on("error", (error) => cause ??= error);
    this.#worker.on("exit", () => events.ended(cause));
  }

  post(messages: ToWorker[]): void {
    this.#worker.postMessage(messages);
  }

  kill(): void {
    void this.#worker.terminate();
  }

  unref(): void {
    this.#worker.unref();
  }
}

/** Where the worker's module is: `node:worker_threads` takes only `file:` and `data:` URLs. */
function entry_url(): URL {
  const url = new URL("./thread_entry.ts", import.meta.url);
  if (url.protocol === "file:") return url;
  return new URL(`data:text/javascript,import ${encodeURIComponent(JSON.stringify(url.href))};`);
}
