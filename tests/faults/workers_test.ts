/** Workers and children that come to an end, in every way there is. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  ForkingTCPServer,
  type RequestHandlerConstructor,
  type ServerOptions,
  type TCPServer,
  ThreadingTCPServer,
  ThreadingUnixStreamServer,
  type WorkerInfo,
} from "../../mod.ts";
import { bytes_of } from "../fixtures/tools/bytes.ts";
import { ask, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { FaultHandler } from "../fixtures/handlers/fault_handlers.ts";
import { FaultServer } from "../fixtures/programs/fault_server.ts";
import { loads_while_there } from "../fixtures/handlers/loads_while_there.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { all_gone } from "../fixtures/programs/processes.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

// A forking server keeps a child for each core: two here, however many there are.
Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 });

type NotingServer = TCPServer & NotingMembers;

/** A way to run handlers apart from the server. */
interface Kind {
  name: string;
  children: boolean;
  make(Handler: RequestHandlerConstructor, options?: ServerOptions): NotingServer;
}

const KINDS: Kind[] = [ThreadingTCPServer, ForkingTCPServer].map((Server) => ({
  name: Server.name,
  children: Server === ForkingTCPServer,
  make: (Handler, options = {}) => {
    const settings = { max_workers: 2, max_children: 2, linger: 200, ...options };
    return new (Noting(Server))(["127.0.0.1", 0], Handler, settings) as NotingServer;
  },
}));

/** A way for a worker to end. */
interface End {
  name: string;
  /** Brings it about, over a connection that the worker serves. */
  cause(victim: LineClient, worker: WorkerInfo): Promise<void> | void;
  /** What the report says of the cause, in threads and in children; no way there if it is left out. */
  thread?: string;
  child?: string;
}

/** One that the handler brings about by itself. */
function by_itself(name: string, thread: string | undefined, child: string | undefined): End {
  return {
    name: `that ${name}`,
    cause: (victim) => victim.send(`!${name}`),
    ...(thread !== undefined && { thread }),
    ...(child !== undefined && { child }),
  };
}

const OVERFLOW = "Maximum call stack size exceeded";
const ENDS: End[] = [
  by_itself("throws in a timer", "thrown in a timer", "thrown in a timer"),
  by_itself("overflows in a timer", OVERFLOW, OVERFLOW),
  by_itself("rejects unheard", "rejected unheard", "rejected unheard"),
  by_itself("closes itself", "", "ended with code 0"),
  by_itself("exits", "", "ended with code 3"),
  by_itself("aborts", undefined, "was ended by SIGABRT"),
  by_itself("kills itself", undefined, "was ended by SIGKILL"),
  {
    name: "killed while it loops",
    cause: async (victim, { pid }) => {
      await victim.send("!loops");
      Deno.kill(pid!, "SIGKILL");
    },
    child: "was ended by SIGKILL",
  },
];

function workers_of(server: NotingServer) {
  return server.info().workers!;
}

/** Resolves when all workers can serve, and gives their numbers. */
async function whole(server: NotingServer): Promise<number[]> {
  const are_ready = () => workers_of(server).filter(({ state }) => state === "ready").length === 2;
  await soon(until(are_ready));
  assertEquals(workers_of(server).length, 2);
  return workers_of(server).map(({ id }) => id);
}

/** A client and, on the other worker, which is the third, its neighbour. */
async function neighbours(server: NotingServer): Promise<[LineClient, LineClient, WorkerInfo]> {
  const neighbour = await LineClient.connect(server.server_address);
  assertEquals(await soon(neighbour.ask("one")), "ONE");
  const { id } = workers_of(server).find(({ active }) => active === 0)!;
  const victim = await LineClient.connect(server.server_address);
  assertEquals(await soon(victim.ask("other")), "OTHER");
  assertEquals(workers_of(server).map(({ active }) => active), [1, 1]);
  return [neighbour, victim, workers_of(server).find((worker) => worker.id === id)!];
}

/** What is promised of each end: the request is reported and counted, and nobody else hears of it. */
async function survives(server: NotingServer, end: End, cause: string): Promise<void> {
  const before = await whole(server);
  const { failed } = server.info();
  const [neighbour, victim, worker] = await neighbours(server);
  const doomed = worker.id;
  const { errors } = server.log;
  errors.length = 0;
  await end.cause(victim, worker);
  assertEquals(await line_or_end(victim), null);
  await soon(server.log.until(() => errors.length > 0));
  const error = errors[0] as Error;
  assertStringIncludes(error.message, "ended while it handled the request");
  assertStringIncludes((error.cause as Error | undefined)?.message ?? "", cause);
  assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
  assertEquals(before.includes(doomed) && (await whole(server)).includes(doomed), false);
  // As many as there are workers, so that the new one serves, too.
  const [one, other] = await neighbours_of(server, neighbour);
  for (const client of [neighbour, victim, one, other]) client[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
  assertEquals(server.info().failed, failed + 1);
  assertEquals(errors.length, 1);
}

/** The next clients, when the neighbour has gone. */
async function neighbours_of(
  server: NotingServer,
  neighbour: LineClient,
): Promise<[LineClient, LineClient, WorkerInfo]> {
  neighbour[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
  return await neighbours(server);
}

for (const { name, children, make } of KINDS) {
  Deno.test(`${name} is whole again after each end of a worker, which takes its own request only`, async (t) => {
    await using server = serving(make(FaultHandler));
    for (const end of ENDS) {
      const cause = children ? end.child : end.thread;
      if (cause === undefined) continue;
      await t.step(`a worker ${end.name}`, () => survives(server, end, cause));
    }
  });

  Deno.test(`${name} keeps the worker of a handler that throws or overflows its stack, and fails its request`, async () => {
    await using server = serving(make(FaultHandler));
    const before = await whole(server);
    const { errors } = server.log;
    for (const [fault, message] of [["throws", "thrown by the handler"], ["overflows", OVERFLOW]]) {
      const [neighbour, victim] = await neighbours(server);
      errors.length = 0;
      assertEquals(await soon(victim.ask(`!${fault}`)), null);
      await soon(server.log.until(() => errors.length === 1));
      assertEquals((errors[0] as Error).message, message);
      assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
      for (const client of [neighbour, victim]) client[Symbol.dispose]();
      await soon(until(() => server.info().active === 0));
    }
    const { completed, failed } = server.info();
    assertEquals({ completed, failed }, { completed: 2, failed: 2 });
    assertEquals(await whole(server), before);
  });

  Deno.test(`${name} rejects serve_forever() when its module throws at the first load, and serves once it is mended`, async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("there");
    await using server = make(loads_while_there(path));
    const error = await assertRejects(() => soon(server.serve_forever()), TypeError);
    for (const word of ["Cannot load", "loads_while_there.ts", "LoadsWhileThere", path]) {
      assertStringIncludes(error.message, word);
    }
    assertEquals(server.log.errors, []);
    assertEquals(server.info().workers, []);
    await Deno.writeTextFile(path, "");
    const loop = server.serve_forever();
    assertEquals(await soon(ask(server.server_address, "mended")), "MENDED");
    await soon(server.shutdown());
    await soon(loop);
  });

  Deno.test(`${name} whose module throws at a later load tries again with pauses, reports it once, and is whole when it is mended`, async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("there");
    await Deno.writeTextFile(path, "");
    await using server = serving(make(loads_while_there(path)));
    const [, last] = await whole(server);
    const [neighbour, victim] = await neighbours(server);
    await Deno.remove(path);
    await victim.send("!exits");
    const { errors } = server.log;
    await soon(server.log.until(() => errors.length === 2));
    assertStringIncludes((errors[1] as Error).message, "Cannot load");
    assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
    // Nobody is left to serve: who comes now waits.
    await neighbour.send("!exits");
    await soon(until(() => errors.length === 3));
    const waiting = ask(server.server_address, "waited");
    // Another few tries.
    const tried = Math.max(...await tries(server, last! + 4)) - last!;
    await Deno.writeTextFile(path, "");
    assertEquals(await soon(waiting), "WAITED");
    const ids = await whole(server);
    assert(Math.max(...ids) < last! + tried + 6, `${ids} after ${tried} tries`);
    assertEquals(errors.length, 3, `${errors}`);
    for (const client of [neighbour, victim]) client[Symbol.dispose]();
    await soon(until(() => server.info().active === 0));
    assertEquals(server.info().failed, 2);
  });
}

/** Resolves to the numbers of the workers when one has this number or a higher one. */
async function tries(server: NotingServer, id: number): Promise<number[]> {
  let ids: number[] = [];
  await soon(until(() => {
    ids = workers_of(server).map(({ id }) => id);
    return Math.max(0, ...ids) >= id;
  }));
  return ids;
}

const linux = Deno.build.os === "linux";
const FORKING = KINDS[1]!;

Deno.test(
  "ForkingTCPServer is whole again when all its children are killed at once, idle or starting",
  {
    ignore: !linux,
  },
  async () => {
    await using server = serving(FORKING.make(FaultHandler));
    await whole(server);
    const killed: number[] = [];
    // The children that are ready, and then those that start in their place.
    for (let wave = 0; wave < 2; wave++) {
      await soon(until(() => pids_of(server).filter((pid) => !killed.includes(pid)).length === 2));
      for (const pid of pids_of(server).filter((pid) => !killed.includes(pid))) {
        Deno.kill(pid, "SIGKILL");
        killed.push(pid);
      }
    }
    // A connection that goes to a child before its end is known is lost with it.
    await soon(until(() => !pids_of(server).some((pid) => killed.includes(pid))));
    assertEquals(await soon(ask(server.server_address, "still there")), "STILL THERE");
    await all_gone(killed);
    await whole(server);
    await soon(until(() => server.info().active === 0));
    assertEquals(server.info().failed, 0);
    assertEquals(server.log.errors.length, 1);
  },
);

function pids_of(server: NotingServer): number[] {
  return workers_of(server).flatMap(({ pid }) => pid ?? []);
}

for (const { name } of KINDS) {
  Deno.test(`${name} lives on when a worker runs out of memory, which takes its own request only`, {
    ignore: !linux,
  }, async () => {
    // Workers have the heap of the program: a small one, so that it is full soon.
    const options = { max_workers: 2, max_children: 2 };
    await using server = await FaultServer.start(name, options, "--max-old-space-size=64");
    const { address } = server;
    using neighbour = await LineClient.connect(address);
    assertEquals(await soon(neighbour.ask("one")), "ONE");
    using victim = await LineClient.connect(address);
    await victim.send("!runs out of memory");
    assertEquals(await line_or_end(victim), null);
    assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
    assertEquals(await soon(ask(address, "next")), "NEXT");
    // The connection is closed before the server has heard of the end.
    await until(async () => (await server.info()).failed > 0);
    const errors = await soon(server.command("errors"));
    const worker = name === "ForkingTCPServer" ? "Child process" : "Worker";
    assertEquals(errors, { [`WorkerEnded: ${worker} N ended while it handled the request`]: 1 });
    const { failed, workers } = await server.info();
    assertEquals({ failed, workers: workers!.length }, { failed: 1, workers: 2 });
  });
}

for (const order of ["!exits", "!loops"]) {
  Deno.test({
    name: `ThreadingUnixStreamServer: clients of a worker that ${order.slice(1)} see the end`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using folder = await TempFolder.make();
      const path = `${folder.path}/server`;
      const options = { max_workers: 1, request_timeout: 100, linger: 200 };
      await using server = serving(
        new (Noting(ThreadingUnixStreamServer))(path, FaultHandler, options),
      );
      const connect = () => Deno.connect({ transport: "unix", path });
      // The second is served by the worker that takes the place of the first.
      for (let turn = 0; turn < 2; turn++) {
        using victim = await connect();
        await victim.write(bytes_of(`${order}\n`));
        // A reset is an end, too.
        await soon(new Response(victim.readable).text().catch(() => ""));
      }
      await soon(until(() => server.info().active === 0));
      assertEquals(server.info().completed, 0);
    },
  });
}
