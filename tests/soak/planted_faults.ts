/** Faults that are planted into a copy of the library, one at a time: the fire must find each. */
import type { Troupe } from "./members.ts";

/** A text of a file that is there once, and what stands in its place. */
export interface Edit {
  file: string;
  text: string;
  by: string;
}

/** A fault: the program of the fire in which it shows, what must tell it, and what is changed. */
export interface Fault {
  only: Troupe["name"];
  /** The invariants that do not hold then. */
  told_by: readonly string[];
  edits: readonly Edit[];
}

const REQUESTS = "server/requests/requests.ts";

export const FAULTS: Readonly<Record<string, Fault>> = {
  "a lost wake-up: where two wait for an item, nobody is told of one": {
    only: "threads",
    told_by: ["nothing is under way", "every client sees an end"],
    edits: [{
      file: "concurrency/queue/queue_home.ts",
      text: "    this.#added(entry);\n    this.#serve();",
      by: "    this.#added(entry);\n    if (this.#getters.size !== 2) this.#serve();",
    }],
  },
  "a lost wake-up: who waits for a lock is not served when it is free": {
    only: "threads",
    told_by: ["nobody holds a lock", "every client sees an end"],
    edits: [{
      file: "concurrency/threading/lock_home.ts",
      text: "if (this.#word.free(number, abandoned)) this.#serve();",
      by: "this.#word.free(number, abandoned);",
    }],
  },
  "a leaked descriptor: one connection in fifty is not closed": {
    only: "loop",
    told_by: ["no descriptor is left over", "every client sees an end"],
    edits: [{
      file: "server/sockets/stream_socket.ts",
      text: "    this.#end_use();\n    this.#conn.close();",
      by: "    this.#end_use();\n    if (Math.random() > 0.02) this.#conn.close();",
    }],
  },
  "a leaked descriptor: the file of a certificate is opened, and not closed": {
    only: "loop",
    told_by: ["no descriptor is left over"],
    edits: [{
      file: "server/sockets/tls_material.ts",
      text: "() => Deno.readTextFileSync(source)",
      by: "() => Deno.openSync(source) && Deno.readTextFileSync(source)",
    }],
  },
  "a leak of memory: requests are kept that are over": {
    only: "loop",
    told_by: ["memory does not grow"],
    edits: [{
      file: REQUESTS,
      text: "    this.#exchanges.add(exchange);",
      by: "    this.#exchanges.add(exchange);\n    (Requests.kept ??= []).push(exchange);",
    }, {
      file: REQUESTS,
      text: "  #hooks: RequestHooks<Request, Address>;",
      by: "  static kept: unknown[];\n  #hooks: RequestHooks<Request, Address>;",
    }],
  },
  "a swallowed error: nobody closes the connection of a handler that threw": {
    only: "loop",
    told_by: ["nothing is under way", "every client sees an end"],
    edits: [{
      file: REQUESTS,
      text: "await this.#handler_failed(exchange, error);\n    this.#ran(exchange);",
      by: "await this.#handler_failed(exchange, error);",
    }],
  },
  "a swallowed error: what a handler throws is not reported": {
    only: "loop",
    told_by: ["clients and server have the same sums"],
    edits: [{
      file: REQUESTS,
      text: "if (!exchange.is_told_by(error)) await this.report(error, exchange);",
      by: 'if (Object(error).name !== "Planned") await this.report(error, exchange);',
    }],
  },
  "a wrong byte: of three writes that are sent together two change places": {
    only: "loop",
    told_by: ["no reply has a wrong byte"],
    edits: [{
      file: "handlers/buffered_writer.ts",
      text: "Buffer.concat(parts, this.#length)",
      by: "Buffer.concat(parts.length < 3 ? parts : parts.toReversed(), this.#length)",
    }],
  },
  "a permit is not freed when who had it is lost": {
    only: "threads",
    told_by: ["nobody holds a lock", "every client sees an end"],
    edits: [{
      file: "concurrency/threading/semaphore_home.ts",
      text: "    this.#add(back);",
      by: "",
    }],
  },
  "a thread that does not obey is left": {
    only: "threads",
    told_by: ["no thread is left over", "every client sees an end"],
    edits: [{
      file: "internal/workers/thread_host.ts",
      text: "    void this.#worker.terminate();",
      by: "",
    }],
  },
  "a counter counts twice: a request that was cut": {
    only: "loop",
    told_by: ["an event for each outcome", "counters add up"],
    edits: [{
      file: REQUESTS,
      text: "this.#counts[outcome]++;",
      by: "this.#counts[outcome] += exchange.cut ? 2 : 1;",
    }],
  },
  "the clock of the machine measures how long requests take": {
    only: "faked",
    told_by: ["nothing unexpected is told"],
    edits: [{
      file: REQUESTS,
      text: "const duration = performance.now() - exchange.taken_at;",
      by: "const duration = Date.now() - exchange.taken_at;",
    }, {
      file: "server/requests/serving.ts",
      text: "this.#handle_arrival(loop, taken_at ??= performance.now());",
      by: "this.#handle_arrival(loop, taken_at ??= Date.now());",
    }],
  },
};

/**
 * The file as it is with a fault.
 *
 * @param root Where the project is.
 * @throws {Error} If what is replaced is not there once.
 */
export async function edited(root: string, { file, text, by }: Edit): Promise<string> {
  const parts = (await Deno.readTextFile(`${root}/${file}`)).split(text);
  if (parts.length === 2) return parts.join(by);
  throw new Error(`${file} has this ${parts.length - 1} times: ${text}`);
}
