/** What is loaded at the start of a server: each module takes its time, in the program and again in each worker. */
import { assertEquals, assertLess } from "@std/assert";
import { LineClient } from "../fixtures/clients/clients.ts";
import { Program } from "../fixtures/programs/programs.ts";

const ROOT = new URL("../../", import.meta.url).href;

/** Modules of Node that are loaded late: see `internal/runtime/late.ts`. */
const LATE_OF_NODE = /^node:(child_process|crypto|dgram|net|tls)$/;

/** The modules of this project's that a server listens with: some more than there are now. */
const MOST = 113;
/** The same for a worker that has handled a request. */
const MOST_IN_WORKER = 136;

/** Those that know of workers, where nothing has served yet. */
const BEFORE_SERVING = [
  "internal/workers/class_place.ts",
  "internal/workers/error_image.ts",
  "internal/workers/sharing.ts",
  "internal/workers/start_folder.ts",
  "server/pooled/late.ts",
  "server/pooled/late_runner.ts",
];
/** Those that only the thread needs that has workers. */
const OF_THE_POOL = [
  "internal/workers/child_command.ts",
  "internal/workers/process_host.ts",
  "internal/workers/thread_host.ts",
  "internal/workers/worker_handle.ts",
  "internal/workers/worker_pool.ts",
  "server/pooled/pooled_runner.ts",
];

/** What a server of this class has loaded when it listens, and what the thread of its first handler has. */
async function modules_of(server: string): Promise<{ listening: string[]; handling: string[] }> {
  await using program = new Program("run", "-A", "tests/fixtures/programs/lean_server.ts", server);
  const port = Number(await program.line());
  const listening = JSON.parse(await program.line());
  using client = await LineClient.connect({ transport: "tcp", hostname: "127.0.0.1", port });
  return { listening, handling: JSON.parse((await client.line())!) };
}

/** The modules of this project, by their paths, without those of tests. */
function own(modules: string[]): string[] {
  return modules.filter((url) => url.startsWith(ROOT))
    .map((url) => url.slice(ROOT.length))
    .filter((path) => !path.startsWith("tests/"));
}

function of_workers(modules: string[]): string[] {
  return own(modules).filter((path) => /^(internal\/workers|server\/pooled)\//.test(path))
    .toSorted();
}

function late_of_node(modules: string[]): string[] {
  return modules.filter((url) => LATE_OF_NODE.test(url)).toSorted();
}

Deno.test("AsyncTCPServer: nothing of workers, TLS or child processes is loaded to listen and to reply", async () => {
  const { listening, handling } = await modules_of("AsyncTCPServer");
  assertEquals(of_workers(listening), BEFORE_SERVING);
  assertEquals(late_of_node(listening), ["node:net"]);
  assertLess(own(listening).length, MOST);
  assertEquals(own(handling), own(listening));
  assertEquals(late_of_node(handling), ["node:net"]);
});

Deno.test("ThreadingTCPServer: it listens without its pool, and its workers load nothing of that", async () => {
  const { listening, handling } = await modules_of("ThreadingTCPServer");
  assertEquals(of_workers(listening), BEFORE_SERVING);
  assertEquals(late_of_node(listening), ["node:net"]);
  assertLess(own(listening).length, MOST);
  assertEquals(of_workers(handling).filter((path) => OF_THE_POOL.includes(path)), []);
  assertEquals(late_of_node(handling), []);
  assertLess(own(handling).length, MOST_IN_WORKER);
});
