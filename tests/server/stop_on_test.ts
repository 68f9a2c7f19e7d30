/** Programs that `serve_forever({ stop_on })` ends, and servers in this one. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AsyncTCPServer, TCPServer } from "../../mod.ts";
import { write_bytes } from "../fixtures/tools/bytes.ts";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import { all_ended, children_of } from "../fixtures/programs/processes.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { ready } from "../fixtures/servers/ready.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const PROGRAM = fileURLToPath(new URL("../fixtures/programs/stopping_program.ts", import.meta.url));
const NAMES = ["TCPServer", "AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"];
/** The signals, with the exit code of a program that one of them ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
const ignore = Deno.build.os === "windows";

/** A program that stops at these signals, and where it listens. */
async function start(
  name: string,
  signals: string,
  grace = 8000,
): Promise<[Program, Deno.NetAddr]> {
  const program = new Program("run", "-A", PROGRAM, name, signals, String(grace));
  const port = Number(await soon(program.line()));
  return [program, { transport: "tcp", hostname: "127.0.0.1", port }];
}

/** A client of which half a line was read. */
async function half_heard(address: Deno.NetAddr): Promise<LineClient> {
  const client = await LineClient.connect(address);
  assertEquals(await soon(client.ask("first")), "FIRST");
  await write_bytes(client.conn, new TextEncoder().encode("half a line"));
  return client;
}

for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
  Deno.test(`serve_forever({ stop_on }): ${signal} lets a request end, and the program with it`, {
    ignore,
  }, async () => {
    await at_once(NAMES, (name) => name, async (name) => {
      const [program, address] = await start(name, "SIGINT,SIGTERM");
      await using _ended = program;
      using client = await half_heard(address);
      program.child.kill(signal);
      assertEquals(await soon(program.line()), "closing");
      assertEquals(await soon(client.ask(", and its rest")), "HALF A LINE, AND ITS REST");
      assertEquals(await line_or_end(client), null);
      assertEquals(await soon(program.line()), "end");
      assertEquals((await soon(program.status())).code, 0);
      assertEquals(await program.errors(), "");
      Deno.listen({ hostname: address.hostname, port: address.port }).close();
    });
  });

  Deno.test(`serve_forever({ stop_on }): a second ${signal} ends the program at once`, {
    ignore,
  }, async () => {
    await at_once(NAMES, (name) => name, async (name) => {
      const [program, address] = await start(name, "SIGINT,SIGTERM", 60_000);
      await using _ended = program;
      using client = await half_heard(address);
      const children = Deno.build.os === "linux" ? await children_of(program.child.pid) : [];
      const other = signal === "SIGINT" ? "SIGTERM" : "SIGINT";
      // Whatever the first one was.
      program.child.kill(name.length % 2 === 0 ? other : signal);
      assertEquals(await soon(program.line()), "closing");
      // Sooner the same signal would be taken for an echo of the first.
      await new Promise((resolve) => setTimeout(resolve, 500));
      program.child.kill(signal);
      const { code } = await program.status();
      assertEquals(code, SIGNALS[signal]);
      assertEquals(await line_or_end(client), null);
      assertEquals(await program.errors(), "");
      await all_ended(children.map((line) => Number.parseInt(line)));
    });
  });
}

Deno.test(
  "serve_forever({ stop_on }): a signal that is named twice counts once",
  { ignore },
  async () => {
    const [program, address] = await start("AsyncTCPServer", "SIGTERM,SIGTERM");
    await using _ended = program;
    using client = await half_heard(address);
    program.child.kill("SIGTERM");
    assertEquals(await soon(program.line()), "closing");
    assertEquals(await soon(client.ask(".")), "HALF A LINE.");
    assertEquals(await soon(program.line()), "end");
    assertEquals((await soon(program.status())).code, 0);
  },
);

Deno.test(
  "serve_forever({ stop_on }): echoes of the signal do not end a program that is ending",
  { ignore },
  async () => {
    const [program, address] = await start("AsyncTCPServer", "SIGINT");
    await using _ended = program;
    // It listens to signals once it serves.
    using client = await LineClient.connect(address);
    assertEquals(await soon(client.ask("a")), "A");
    program.child.kill("SIGINT");
    assertEquals(await soon(program.line()), "closing");
    program.child.kill("SIGINT");
    assertEquals(await soon(program.line()), "end");
    assertEquals((await soon(program.status())).code, 0);
    assertEquals(await program.errors(), "");
  },
);

Deno.test(
  "serve_forever({ stop_on, grace }) cuts what is left after the grace",
  { ignore },
  async () => {
    const [program, address] = await start("ThreadingTCPServer", "SIGTERM", 300);
    await using _ended = program;
    using client = await half_heard(address);
    program.child.kill("SIGTERM");
    assertEquals(await soon(program.line()), "closing");
    assertEquals(await line_or_end(client), null);
    assertEquals(await soon(program.line()), "end");
    assertEquals((await soon(program.status())).code, 0);
  },
);

for (const Server of [TCPServer, AsyncTCPServer]) {
  Deno.test(`${Server.name}: serve_forever({ stop_on }) listens no longer than it serves`, {
    ignore,
  }, async () => {
    await using server = new Server(["127.0.0.1", 0], UpperHandler, { linger: 50 });
    const stop_on = ["SIGUSR2"] as const;
    // The sanitizers see a listener that is left.
    for (let round = 0; round < 3; round++) {
      const loop = server.serve_forever({ stop_on });
      await ready(server);
      await assertRejects(() => server.serve_forever({ stop_on }), Deno.errors.Busy);
      await server.shutdown();
      await soon(loop);
    }
    await server.serve_forever({ stop_on, signal: AbortSignal.abort() });
    const loop = server.serve_forever({ stop_on });
    await ready(server);
    Deno.kill(Deno.pid, "SIGUSR2");
    await soon(loop);
    assertEquals(server.info().state, "closed");
    await assertRejects(() => server.serve_forever({ stop_on }), Deno.errors.BadResource);
  });
}

Deno.test(
  "serve_forever({ stop_on }) of two servers: a signal closes both",
  { ignore },
  async () => {
    const servers = [1, 2].map(() => new AsyncTCPServer(["127.0.0.1", 0], UpperHandler));
    const loops = servers.map((server) => server.serve_forever({ stop_on: ["SIGUSR2"] }));
    await Promise.all(servers.map(ready));
    Deno.kill(Deno.pid, "SIGUSR2");
    await soon(Promise.all(loops));
    assert(servers.every((server) => server.info().state === "closed"));
  },
);
