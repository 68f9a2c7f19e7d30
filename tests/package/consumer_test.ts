/**
 * The package as those have it who import it from JSR: only what is published, served by a stand-in
 * for JSR, in a project with an import map and a cache of its own. Each program has the permissions
 * that README.md names for its server, and no more. (The stand-in takes none, as JSR takes none:
 * Deno lets any program import from the registry that `JSR_URL` names.)
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { at_once } from "../fixtures/tools/at_once.ts";
import { ask } from "../fixtures/clients/clients.ts";
import { ask_udp } from "../fixtures/clients/datagrams.ts";
import type { Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { ConsumerProject } from "./consumer_project.ts";

/** A program of the project, with a server on a free port. */
interface Way {
  name: string;
  /** The file, with its arguments. */
  program: string;
  permissions: string;
  /** Where its handlers run. */
  runs: "in the server's thread" | "in a worker" | "in a child process";
  /** How a client asks something. */
  ask(address: Deno.NetAddr, text: string): Promise<string | null>;
  /** Whether it cannot be tested here, although the others can. */
  ignore?: boolean;
}

/** Programs are ended by SIGTERM, which Windows does not have. */
const ignore = Deno.build.os === "windows";

const WORKER = {
  permissions: "--allow-net=127.0.0.1:0 --allow-read=.",
  runs: "in a worker",
  ask,
} as const;

const CHILD = {
  permissions: "--allow-net=127.0.0.1:0 --allow-read=. --allow-run=deno",
  runs: "in a child process",
  ask,
  // Elsewhere child processes do not learn of permissions that are lists.
  ignore: Deno.build.os !== "linux",
} as const;

const WAYS: Way[] = [
  ...["TCPServer", "AsyncTCPServer"].map((name): Way => ({
    name,
    program: `main.ts ${name}`,
    permissions: "--allow-net=127.0.0.1:0",
    runs: "in the server's thread",
    ask,
  })),
  {
    ...WORKER,
    name: "ThreadingTCPServer with its handler in the main module",
    program: "main.ts ThreadingTCPServer",
  },
  {
    ...WORKER,
    name: "ThreadingTCPServer with its handler in another module",
    program: "named.ts",
  },
  {
    ...WORKER,
    name: "ThreadingTCPServer with its handler as the default export of another module",
    program: "default.ts",
  },
  {
    ...WORKER,
    name: "ThreadingUDPServer",
    program: "datagrams.ts ThreadingUDPServer",
    // Its clients, which it sends to, have any port.
    permissions: "--allow-net=127.0.0.1 --allow-read=.",
    ask: ask_udp,
  },
  { ...CHILD, name: "ForkingTCPServer", program: "main.ts ForkingTCPServer" },
  {
    ...WORKER,
    name: "ThreadingTCPServer with a lock and a queue",
    program: "shared.ts ThreadingTCPServer",
  },
  {
    ...CHILD,
    name: "ForkingTCPServer with a lock and a queue",
    program: "shared.ts ForkingTCPServer",
  },
];

/** The command of a program that has a process greet somebody, with these flags besides its permissions. */
function process_command(...flags: string[]): string {
  const permissions = "--allow-read=. --allow-run=deno";
  return ["deno run --quiet --no-prompt", ...flags, permissions, "processes.ts"].join(" ");
}

/** What it prints. */
async function expect_greeting(task: Task): Promise<void> {
  assertEquals(await soon(task.line()), "Hello, Ada true 0");
  await task.ends_well();
}

/** The same for each that can be tested here. */
const ways_here = WAYS.filter(({ ignore }) => !ignore);

/** The command that starts a program, with these flags besides its permissions. */
function command(way: Way, ...flags: string[]): string {
  return ["deno run --quiet --no-prompt", ...flags, way.permissions, way.program].join(" ");
}

/** Asks a program's server twice, and ends it: both must go as they should. */
async function expect_answers(task: Task, way: Pick<Way, "ask" | "runs">): Promise<void> {
  const errors = task.errors();
  const line = await soon(
    task.line().catch(async (cause) => {
      throw new Error(await errors, { cause });
    }),
  );
  const { address, pid } = JSON.parse(line);
  for (const name of ["Ada", "Grace"]) {
    const answer = JSON.parse(await soon(way.ask(address, name)) ?? "null");
    assertEquals(answer?.text, `Hello, ${name}`);
    assertEquals(answer.worker, way.runs === "in a worker");
    assertEquals(answer.pid !== pid, way.runs === "in a child process");
  }
  task.child.kill("SIGTERM");
  assertEquals(await soon(task.line()), "served");
  assertEquals((await task.status()).code, 0);
  assertEquals(await errors, "");
}

for (const way of WAYS) {
  Deno.test({
    name: `From JSR, answered ${way.runs}: ${way.name}`,
    ignore: way.ignore ?? ignore,
    async fn() {
      await using project = await ConsumerProject.make();
      await using task = project.start(command(way));
      await expect_answers(task, way);
    },
  });
}

Deno.test({
  name: "From JSR: a Process",
  ignore: CHILD.ignore,
  async fn() {
    await using project = await ConsumerProject.make();
    await using task = project.start(process_command());
    await expect_greeting(task);
  },
});

Deno.test("From JSR: the page of a monitor", { ignore }, async () => {
  await using project = await ConsumerProject.make();
  const command = "deno run --quiet --no-prompt --allow-net=127.0.0.1 watched.ts";
  await using task = project.start(command);
  assertEquals(await soon(task.line()), "ok");
  assertEquals(await soon(task.line()), "<!DOCTYPE html>");
  await task.ends_well();
});

Deno.test("From JSR: a project that uses the package passes deno check", { ignore }, async () => {
  await using project = await ConsumerProject.make();
  await project.run("deno check --quiet .");
});

Deno.test(
  "From JSR: what was cached serves offline, in workers and child processes too",
  { ignore },
  async () => {
    await using project = await ConsumerProject.make();
    const programs = "main.ts named.ts default.ts datagrams.ts shared.ts processes.ts";
    await project.run(`deno cache --quiet ${programs}`);
    await project.registry.stop();
    await at_once(ways_here, ({ name }) => name, async (way) => {
      await using task = project.start(command(way, "--cached-only"));
      await expect_answers(task, way);
    });
    if (CHILD.ignore) return;
    await using task = project.start(process_command("--cached-only"));
    await expect_greeting(task);
  },
);

Deno.test("From JSR: a test fails that asks for what is not published", { ignore }, async () => {
  await using project = await ConsumerProject.make();
  await assertRejects(() => project.run("deno cache --quiet jsr:@socketserver/none"));
  await assertRejects(() => project.registry.stop(), Error, "/@socketserver/none/meta.json");
});

Deno.test("deno compile takes the modules of workers along", { ignore }, async () => {
  await using project = await ConsumerProject.make();
  // Any executable takes them; whether they run is a matter for the tests below.
  await compile(project, Deno.execPath());
  const { buffer } = await Deno.readFile(project.join("compiled"));
  const compiled = Buffer.from(buffer);
  const url = project.registry.url_of(
    "@socketserver/socketserver",
    "/internal/workers/thread_entry.ts",
  );
  assert(compiled.includes(url), `It has no ${url}`);
});

/** The runtime of compiled programs: `deno compile` downloads it unless it is told where it is. */
const DENORT = Deno.env.get("DENORT_BIN");
const UNLESS = "(only if DENORT_BIN names the runtime of compiled programs)";

Deno.test({
  name: `deno compile: a compiled threaded server answers by itself ${UNLESS}`,
  ignore: DENORT === undefined,
  async fn() {
    await using project = await ConsumerProject.make();
    await compile(project, DENORT!);
    await project.registry.stop();
    await using task = project.start("../compiled ThreadingTCPServer");
    await expect_answers(task, WORKER);
  },
});

Deno.test({
  name: `deno compile: a compiled forking server says that it cannot be ${UNLESS}`,
  ignore: DENORT === undefined,
  async fn() {
    await using project = await ConsumerProject.make();
    await compile(project, DENORT!);
    await using task = project.start("../compiled ForkingTCPServer");
    const errors = task.errors();
    assertEquals((await task.status()).code, 1);
    assertStringIncludes(await errors, "Cannot start child processes of a compiled program");
  },
});

/** Makes a program `compiled` of the main module, beside the project. */
async function compile(project: ConsumerProject, runtime: string): Promise<void> {
  // A compiled program would keep its code cache in a file of the system's temporary folder.
  const flags = `--quiet --no-check --no-code-cache --no-prompt ${WORKER.permissions}`;
  await project.run(
    `DENORT_BIN="${runtime}" deno compile ${flags} --output ../compiled main.ts`,
  );
}
