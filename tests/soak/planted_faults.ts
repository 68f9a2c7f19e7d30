/** Faults that are planted into a copy of the library, one at a time: the fire must find each. */
import type { Troupe } from "./members.ts";

/** A text of a file that is there once, and what stands in its place. */
export interface Edit {
  file: string;
  text: string;
  by: string;
}

/** A fault: the program of the fire in which it shows, and what is changed. */
export interface Fault {
  only: Troupe["name"];
  edits: readonly Edit[];
}

const REQUESTS = "server/requests/requests.ts";

export const FAULTS: Readonly<Record<string, Fault>> = {
  "a lost wake-up: where two wait for an item, nobody is told of one": {
    only: "threads",
    edits: [{
      file: "concurrency/queue/queue_home.ts",
      text: "    this.#added(entry);\n    this.#serve();",
      by: "    this.#added(entry);\n    if (this.#getters.size !== 2) this.#serve();",
    }],
  },
  "a lost wake-up: who waits for a lock is not served when it is free": {
    only: "threads",
    edits: [{
      file: "concurrency/threading/lock_home.ts",
      text: "if (this.#word.free(number, abandoned)) this.#serve();",
      by: "this.#word.free(number, abandoned);",
    }],
  },
  "a leaked descriptor: a connection that the client broke is not closed": {
    only: "loop",
    edits: [{
      file: "server/sockets/socket_closing.ts",
      text: "  if (ended || input.broken || output.stuck || input.closed) return socket.close();",
      by:
        "  if (input.broken) return;\n  if (ended || output.stuck || input.closed) return socket.close();",
    }],
  },
  "a swallowed error: nobody closes the connection of a handler that threw": {
    only: "loop",
    edits: [{
      file: REQUESTS,
      text: "void this.#handler_failed(exchange, error).then(ended);",
      by: "void this.#handler_failed(exchange, error);",
    }],
  },
  "a swallowed error: what a handler throws is not reported": {
    only: "loop",
    edits: [{
      file: REQUESTS,
      text: "if (!exchange.is_told_by(error)) await this.report(error, exchange);",
      by: 'if (Object(error).name !== "Planned") await this.report(error, exchange);',
    }],
  },
  "a wrong byte: of three writes that are sent together two change places": {
    only: "loop",
    edits: [{
      file: "handlers/buffered_writer.ts",
      text: "Buffer.concat(parts, this.#length)",
      by: "Buffer.concat(parts.length < 3 ? parts : parts.toReversed(), this.#length)",
    }],
  },
  "a permit is not freed when who had it is lost": {
    only: "threads",
    edits: [{
      file: "concurrency/threading/semaphore_home.ts",
      text: "    this.#add(back);",
      by: "",
    }],
  },
  "a thread that does not obey is left": {
    only: "threads",
    edits: [{
      file: "internal/workers/thread_host.ts",
      text: "    void this.#worker.terminate();",
      by: "",
    }],
  },
  "a counter counts twice: a request that was cut": {
    only: "loop",
    edits: [{
      file: REQUESTS,
      text: "this.#counts[outcome]++;",
      by: "this.#counts[outcome] += exchange.cut ? 2 : 1;",
    }],
  },
  "the clock of the machine measures how long requests take": {
    only: "faked",
    edits: [{
      file: REQUESTS,
      text: "const duration = performance.now() - exchange.taken_at;",
      by: "const duration = Date.now() - exchange.taken_at;",
    }, {
      file: "server/requests/exchange.ts",
      text: "readonly taken_at: number = performance.now();",
      by: "readonly taken_at: number = Date.now();",
    }],
  },
};
