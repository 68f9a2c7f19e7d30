import { getHeapStatistics } from "node:v8";
import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from "node:worker_threads";
import { cpu_time, port_closed } from "../runtime/deno_internals.ts";
import { give_order } from "../runtime/order_to_end.ts";
import { prepare_for_thread } from "./cloning.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { on_message, type ThreadStart } from "./port.ts";
import { NO_EXIT } from "./worker_ended.ts";
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

/**
 * How a thread is ended, in ms: by a message, and by force if it has not listened. Force works once, and
 * only on what runs at that moment: so it is used when the thread has used so much of the processor's
 * time since that it must be in the middle of something, or has waited for so long.
 */
export interface KillClocks {
  /** How long it may take to listen. */
  listening: number;
  /** The same for one that has not said anything yet: it may be loading modules, which Deno may not survive. */
  starting: number;
  /** How much processor time shows that it computes. */
  computing: number;
  /** How long it may use none. */
  waiting: number;
  /** How long it may take to end when it was forced to. What is not gone then never will be. */
  ending: number;
}

/** The clocks of threads unless told. */
export const KILL_CLOCKS: KillClocks = {
  listening: 50,
  starting: 500,
  computing: 30,
  waiting: 1000,
  ending: 5000,
};
/** How often it is looked how much processor time it has used, in ms. */
const LOOK = 10;

/** A worker in a thread of this process. */
export class ThreadHost implements WorkerHost {
  readonly name: string;
  /** Its number among the threads of the process. */
  readonly thread_id: number;
  readonly shares_memory = true;
  #worker: Worker;
  #port: MessagePort;
  /** Resolves when the worker's end of the channel is closed. */
  #closed: PromiseWithResolvers<void> = Promise.withResolvers();
  #order = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  #clocks: KillClocks;
  #state: "running" | "ending" | "ended" = "running";
  /** Whether it has said anything. */
  #heard = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #give_up!: () => void;

  /**
   * Starts a thread.
   *
   * @param id Its number in its pool.
   * @param events What is told of it.
   * @param clocks How it is ended.
   * @param name What it is called in messages.
   */
  constructor(
    id: number,
    events: HostEvents,
    clocks: KillClocks = KILL_CLOCKS,
    name = `Worker ${id}`,
  ) {
    this.name = name;
    this.#clocks = clocks;
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
    this.thread_id = this.#worker.threadId;
    // A channel of its own: Deno looks through all that comes by the worker's for further ports,
    // byte by byte.
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: ThreadStart = { port: port2, order: this.#order };
    this.#worker.postMessage(start, [port2]);
    on_message(port1, (messages) => {
      this.#heard = true;
      events.received(messages as FromWorker[]);
    }, ({ message }) => {
      events.unheard(new Error(`${this.name} cannot be heard: ${message}`));
      this.#watch_unheard();
    });
    void port_closed(port1).then(this.#closed.resolve);
    void this.#ended(events);
  }

  /**
   * Waits until the thread is gone, and tells. The worker says "exit" long before; its end of the channel
   * is closed when it runs no more, after all that it has sent has come.
   */
  async #ended(events: HostEvents): Promise<void> {
    let cause: unknown;
    this.#worker.on("error", (error) => cause ??= error);
    let exit = NO_EXIT;
    const exited = new Promise<void>((resolve) =>
      this.#worker.once("exit", (exitcode) => {
        if (this.#state === "running") exit = { exitcode, signal: null };
        resolve();
      })
    );
    const given_up = new Promise<boolean>((resolve) => this.#give_up = () => resolve(false));
    const gone = Promise.all([exited, this.#closed.promise]).then(() => true);
    const is_gone = await Promise.race([gone, given_up]);
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#port.close();
    events.ended(cause, is_gone, exit);
  }

  /**
   * Learns in another way when the thread is gone: a port that cannot be read does not tell its end. It is
   * sent a further port, with no message, which is closed with all that it has.
   */
  #watch_unheard(): void {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port1.unref();
    this.#port.postMessage([], [port2]);
    void port_closed(port1).then(this.#closed.resolve);
  }

  post(messages: ToWorker[], transfer: readonly Transferable[] = []): void {
    messages.forEach(prepare_for_thread);
    this.#port.postMessage(messages, transfer as never[]);
  }

  kill(): void {
    if (this.#state !== "running") return;
    this.#state = "ending";
    // Before the message, so that nothing that was on its way before it begins.
    give_order(this.#order);
    this.post([{ type: "exit" }]);
    void this.#force();
  }

  async #force(): Promise<void> {
    const { listening, starting, computing, waiting, ending } = this.#clocks;
    const used = await cpu_time(this.#worker);
    const patience = this.#heard ? listening : starting;
    const until = performance.now() + patience + waiting;
    for (let wait = patience;; wait = LOOK) {
      await this.#pause(wait);
      if (this.#state === "ended") return;
      const computes = await cpu_time(this.#worker) - used >= computing;
      if (computes || performance.now() >= until) break;
    }
    void this.#worker.terminate();
    this.#timer = setTimeout(this.#give_up, ending);
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => this.#timer = setTimeout(resolve, delay));
  }

  ref(): void {
    this.#worker.ref();
    this.#port.ref();
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
