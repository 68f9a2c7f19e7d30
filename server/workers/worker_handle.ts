import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads";
import type { WorkerInfo } from "../info.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { error_of, image_of } from "./error_image.ts";
import type { FromWorker, Parcel, ToWorker, WorkerSettings } from "./messages.ts";

/** A request that was sent to a worker. */
interface Sent {
  request: unknown;
  claim: number;
  resolve(outcome: "done" | "recalled"): void;
  reject(error: unknown): void;
}

/** How long, in ms, a worker must have been ready to count as one that works. */
const SETTLED = 1000;

/** How a worker ended. */
export interface WorkerEnd {
  /** Whether it has worked: it handled a request, or was ready for a while. */
  useful: boolean;
  /** Whether it handled nothing when it ended, so that nobody has heard of the cause. */
  silent: boolean;
  cause: unknown;
}

/** Calls a method for a worker: of the server, or of a request that is relayed. */
export type CallHandler = (
  target: "server" | object,
  method: string,
  args: unknown[],
) => unknown;

/**
 * Never called: it makes the worker's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_entry = (): Promise<unknown> => import("./entry.ts");

/** A worker as the server's thread sees it. */
export class WorkerHandle {
  readonly id: number;
  state: WorkerInfo["state"] = "starting";
  completed = 0;
  /** Resolves when it can serve; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, whatever the cause; what it was handling has been rejected then. */
  readonly ended: Promise<WorkerEnd>;
  #worker: Worker;
  #claims: ClaimCounter = new ClaimCounter();
  #sent: Map<number, Sent> = new Map();
  #ids: Map<unknown, number> = new Map();
  #last_id = 0;
  #on_call: CallHandler;
  #start: PromiseWithResolvers<void> = Promise.withResolvers();
  #cause: unknown;
  #ready_at = Infinity;

  /**
   * Starts a worker.
   *
   * @param id Its number.
   * @param settings What it is given.
   * @param on_call Calls methods for it.
   */
  constructor(id: number, settings: Omit<WorkerSettings, "claims">, on_call: CallHandler) {
    this.id = id;
    this.#on_call = on_call;
    this.ready = this.#start.promise;
    // Whoever waits for it hears of a failure; a worker that nobody waits for may fail.
    this.ready.catch(() => {});
    const workerData: WorkerSettings = { ...settings, claims: this.#claims.memory };
    // Sharing the environment needs no permission; copying it, the default, would ask for one.
    const options: WorkerOptions = { workerData, env: SHARE_ENV, name: `socketserver ${id}` };
    this.#worker = new Worker(entry_url(), options);
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#cause ??= error);
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", () => resolve(this.#end()));
    });
  }

  /** How many requests it handles, or was sent. */
  get active(): number {
    return this.#sent.size;
  }

  /** How many of them it has not taken yet: more than a few, and it does not answer. */
  get untaken(): number {
    return this.#claims.open;
  }

  /** See {@linkcode BaseServer.info}. */
  get info(): WorkerInfo {
    return { id: this.id, state: this.state, active: this.active, completed: this.completed };
  }

  /**
   * Hands a request over.
   *
   * @returns `"done"` when its handler has ended, `"recalled"` if the worker never took it.
   * @throws What the handler threw; an `Error` if the worker ended meanwhile.
   */
  run(request: unknown, parcel: Parcel, client_address: unknown): Promise<"done" | "recalled"> {
    const id = ++this.#last_id;
    const claim = this.#claims.issue();
    const { promise, resolve, reject } = Promise.withResolvers<"done" | "recalled">();
    const known = parcel.kind !== "value" && parcel.remote === client_address;
    try {
      this.#post({ type: "request", id, claim, parcel, ...(!known && { client_address }) });
    } catch (error) {
      // It cannot be cloned. Later claims must not wait for this one.
      this.#claims.withdraw();
      throw error;
    }
    this.#sent.set(id, { request, claim, resolve, reject });
    this.#ids.set(request, id);
    return promise;
  }

  /** Tells a request here that it must end. */
  interrupt(request: unknown): void {
    this.#tell("interrupt", request);
  }

  /** Closes a request that is here. */
  close(request: unknown): void {
    this.#tell("close", request);
  }

  /** Whether it was sent this request and has not ended it. */
  has(request: unknown): boolean {
    return this.#ids.has(request);
  }

  /** Takes back what was sent and not taken. */
  recall(): void {
    const first = this.#claims.recall();
    for (const [id, sent] of this.#sent) {
      if (((sent.claim - first) | 0) < 0) continue;
      this.#forget(id, sent);
      sent.resolve("recalled");
    }
  }

  /** Lets it end by itself, when the last of its connections has lingered. */
  end(): void {
    if (this.state !== "ended") this.#post({ type: "end" });
  }

  /** Ends it at once, even in an endless loop. */
  async kill(cause: unknown): Promise<void> {
    this.#cause ??= cause;
    await this.#worker.terminate();
  }

  /** Lets the program end while it runs. */
  unref(): void {
    this.#worker.unref();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #tell(type: "interrupt" | "close", request: unknown): void {
    const id = this.#ids.get(request);
    if (id !== undefined) this.#post({ type, id });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        this.state = "ready";
        this.#ready_at = performance.now();
        this.#start.resolve();
        break;
      case "fault":
        void this.kill(error_of(message.error));
        break;
      case "done":
        this.#done(message);
        break;
      case "call":
        void this.#call(message);
        break;
    }
  }

  #done({ id, error }: Extract<FromWorker, { type: "done" }>): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#forget(id, sent);
    this.completed++;
    if (error) sent.reject(error_of(error));
    else sent.resolve("done");
  }

  async #call(
    { call, target, method, args }: Extract<FromWorker, { type: "call" }>,
  ): Promise<void> {
    const callee = target === "server" ? target : this.#sent.get(target)?.request as object;
    try {
      if (!callee) throw new Deno.errors.BadResource("The request has ended");
      const value = await this.#on_call(callee, method, args);
      this.#post({ type: "answer", call, value });
    } catch (error) {
      this.#post({ type: "answer", call, error: image_of(error) });
    }
  }

  #forget(id: number, sent: Sent): void {
    this.#sent.delete(id);
    this.#ids.delete(sent.request);
  }

  #end(): WorkerEnd {
    const useful = this.completed > 0 || performance.now() - this.#ready_at > SETTLED;
    this.state = "ended";
    this.recall();
    const silent = this.#sent.size === 0;
    const options = this.#cause === undefined ? undefined : { cause: this.#cause };
    const error = new Error(`Worker ${this.id} ended while it handled the request`, options);
    for (const [id, sent] of this.#sent) {
      this.#forget(id, sent);
      sent.reject(error);
    }
    const cause = this.#cause ?? new Error(`Worker ${this.id} ended by itself`);
    this.#start.reject(cause);
    return { useful, silent, cause };
  }
}

/** Where the worker's module is: `node:worker_threads` takes only `file:` and `data:` URLs. */
function entry_url(): URL {
  const url = new URL("./entry.ts", import.meta.url);
  if (url.protocol === "file:") return url;
  return new URL(`data:text/javascript,import ${encodeURIComponent(JSON.stringify(url.href))};`);
}
