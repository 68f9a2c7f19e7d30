/**
 * What it costs to share a lock or a queue, beside Python's own modules on the same machine.
 *
 * ```sh
 * deno task bench:sharing
 * deno task bench:sharing --rounds 5
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { Queue } from "../../concurrency/queue/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";
import { ThreadingTCPServer } from "../../mod.ts";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { output_of } from "../output_of.ts";
import { AskingHandler, measure, type Question, use } from "./asking_handler.ts";

/** How many workers there are. */
const WORKERS = 2;

class SharingServer extends ThreadingTCPServer {
  static override max_workers = WORKERS;
  lock: threading.Lock = new threading.Lock();
  jobs: Queue<number> = new Queue<number>();

  fill(count: number): Promise<void[]> {
    return Promise.all(Array.from({ length: count }, () => this.jobs.put(1)));
  }
}

/** Something that is measured: how often a second it is done, and by which of Python's figures. */
interface Row {
  name: string;
  python: string | undefined;
  measure(clients: Client[], server: SharingServer): Promise<number>;
}

/** In the workers: the questions go to all of them at once, or to one. */
function asked(
  name: string,
  question: Question,
  python?: string,
  workers = WORKERS,
): Row {
  return {
    name,
    python,
    async measure(clients, server) {
      const { what, count } = question;
      if (what !== "lock" && what !== "put") await server.fill(workers * count);
      const times = await Promise.all(
        clients.slice(0, workers).map((client) => client.ask(question)),
      );
      if (what === "put") {
        await Promise.all(Array.from({ length: workers * count }, () => server.jobs.get()));
      }
      return workers * count / Math.max(...times) * 1000;
    },
  };
}

const ROWS: Row[] = [
  {
    name: "lock, one thread",
    python: "lock",
    async measure() {
      const count = 200_000;
      return count / await measure(use(new threading.Lock()), 1, count) * 1000;
    },
  },
  asked("lock, one worker, nobody else", { what: "lock", tasks: 1, count: 100_000 }, "lock", 1),
  asked("lock, 2 workers x 1 task", { what: "lock", tasks: 1, count: 5000 }, "lock, 2 processes"),
  asked(
    "lock, 2 workers x 10 tasks",
    { what: "lock", tasks: 10, count: 50_000 },
    "lock, 20 threads",
  ),
  {
    name: "queue, one thread: put and get",
    python: "queue, 2 threads",
    async measure() {
      const [jobs, count] = [new Queue<number>(), 100_000];
      const act = async () => {
        await jobs.put(1);
        await jobs.get();
      };
      return count / await measure(act, 1, count) * 1000;
    },
  },
  asked(
    "queue, 2 workers: get, one by one",
    { what: "get", tasks: 1, count: 5000 },
    "queue of a manager",
  ),
  asked("... get and task_done()", { what: "get and done", tasks: 1, count: 5000 }),
  asked(
    "... get, 16 handlers each",
    { what: "get", tasks: 16, count: 80_000 },
    "queue, 2 processes",
  ),
  asked("... put, one by one", { what: "put", tasks: 1, count: 5000 }),
  asked("... put, 16 handlers each", { what: "put", tasks: 16, count: 40_000 }),
];

/** A connection, to one of the workers. */
class Client implements Disposable {
  #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Asks, and gives what is answered. */
  async ask(question: Question): Promise<number> {
    await this.#conn.write(new TextEncoder().encode(`${JSON.stringify(question)}\n`));
    const answer = new Uint8Array(100);
    return Number(new TextDecoder().decode(answer.subarray(0, await this.#conn.read(answer) ?? 0)));
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

const { rounds } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "3" } });
const script = fileURLToPath(new URL("cpython.py", import.meta.url));
const figures = new Map<string, number[]>();
const note = (name: string, figure: number) => {
  figures.set(name, [...figures.get(name) ?? [], figure]);
};
{
  await using server = new SharingServer(["127.0.0.1", 0], AskingHandler);
  const serving = server.serve_forever();
  const { hostname, port } = server.server_address;
  using connections = new DisposableStack();
  const clients: Client[] = [];
  for (let at = 0; at < WORKERS; at++) {
    clients.push(connections.use(new Client(await Deno.connect({ hostname, port }))));
    // One after the other, so that each goes to a worker of its own.
    await clients[at]!.ask({ what: "lock", tasks: 1, count: 10 });
  }
  for (let round = 0; round < Number(rounds); round++) {
    for (const row of ROWS) note(row.name, await row.measure(clients, server));
    const python = JSON.parse(await output_of("python3", [script]) ?? "{}");
    for (const [name, figure] of Object.entries<number>(python)) note(`python ${name}`, figure);
  }
  // What was got and not said to be done would be reported.
  server.jobs[Symbol.dispose]();
  await server.shutdown();
  await serving;
}

const shown = (name: string) => {
  const values = figures.get(name);
  if (!values) return ["", ""];
  const figure = median(values);
  return [Math.round(figure).toLocaleString("en"), (1e6 / figure).toFixed(2)];
};
const columns = ["what", "a second", "us each", "CPython", "a second", "us each"];
console.log(markdown_table(
  columns.map((heading) => ({ heading, numeric: heading !== "what" && heading !== "CPython" })),
  ROWS.map(({ name, python }) => [
    name,
    ...shown(name),
    python ?? "",
    ...shown(`python ${python}`),
  ]),
));
