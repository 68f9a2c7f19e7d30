import { getHeapStatistics } from "node:v8";
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  SHARE_ENV,
  Worker,
} from "node:worker_threads";
import type { FromWorker, ToWorker } from "./messages.ts";
import { on_message } from "./port.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/**
 * Never called: it makes the worker's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_entry = (): Promise<unknown> => import("./thread_entry.ts");

/**
 * The room for new objects in a worker, in MiB. A crowd of clients makes it grow, without a bound
 * that is named to 48 MiB in each worker; with this one messages take no longer.
 */
const YOUNG = 12;

/** How long, in ms, a worker that was told to end may take to listen. */
const LISTENING = 50;
/** The same for one that has not said anything yet: it may still be starting. */
const STARTING = 500;

/** A worker in a thread of this process. */
export class ThreadHost implements WorkerHost {
  readonly name: string;
  readonly shares_memory = true;
  #worker: Worker;
  #port: MessagePort;
  /** Whether it has said anything. */
  #heard = false;
  #exited = false;
  #force: ReturnType<typeof setTimeout> | undefined;

  constructor(id: number, events: HostEvents) {
    this.name = `Worker ${id}`;
    this.#worker = new Worker(entry_url(), {
      name: `socketserver ${id}`,
      // Sharing the environment needs no permission; copying it, the default, would ask for one.
      env: SHARE_ENV,
      resourceLimits: {
        // The limit it would have in any case; but named, it ends this worker and not the program.
        maxOldGenerationSizeMb: getHeapStatistics().heap_size_limit / 2 ** 20,
        maxYoungGenerationSizeMb: YOUNG,
      },
    });
    // A channel of its own: Deno looks through all that comes by the worker's for further ports,
    // byte by byte.
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker.postMessage(port2, [port2]);
    let cause: unknown;
    const received = (messages: unknown) => {
      this.#heard = true;
      events.received(messages as FromWorker[]);
    };
    on_message(port1, received);
    this.#worker.on("error", (error) => cause ??= error);
    this.#worker.on("exit", () => {
      this.#exited = true;
      clearTimeout(this.#force);
      // What it sent before its end may still be on its way.
      for (let left; (left = receiveMessageOnPort(port1));) received(left.message);
      port1.close();
      events.ended(cause);
    });
  }

  post(messages: ToWorker[]): void {
    this.#port.postMessage(messages);
  }

  /**
   * Asks it to end, and ends it by force where it does not listen. By force alone, some go on: where
   * nothing runs at that moment Deno takes back the order, and never gives it again.
   */
  kill(): void {
    if (this.#exited) return;
    this.post([{ type: "exit" }]);
    const patience = this.#heard ? LISTENING : STARTING;
    this.#force ??= setTimeout(() => void this.#worker.terminate(), patience);
  }

  unref(): void {
    this.#worker.unref();
    this.#port.unref();
  }
}

/** Where the worker's module is: `node:worker_threads` takes only `file:` and `data:` URLs. */
function entry_url(): URL {
  const url = new URL("./thread_entry.ts", import.meta.url);
  if (url.protocol === "file:") return url;
  return new URL(`data:text/javascript,import ${encodeURIComponent(JSON.stringify(url.href))};`);
}
