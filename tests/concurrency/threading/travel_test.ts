/** Locks that travel: as arguments, results and items, by way of the server, and by a name. */
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { ServerOptions, TCPServer } from "../../../mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import * as threading from "../../../concurrency/threading/mod.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import {
  HIDDEN,
  Keeping,
  type KeepingMembers,
  TravellingHandler,
} from "../../fixtures/handlers/travelling_handlers.ts";
import { ALL_WAYS } from "../../fixtures/servers/all_ways.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

type KeepingServer = TCPServer & KeepingMembers;

const WORKERS = ALL_WAYS.filter(({ workers, relay }) => workers && !relay);

function serve(way: Way, options: ServerOptions = {}): KeepingServer & AsyncDisposable {
  const Server = Keeping(way.Server) as unknown as typeof TCPServer;
  const settings = { max_workers: 2, max_children: 2, ...options };
  return serving(make({ ...way, Server }, TravellingHandler, settings) as KeepingServer);
}

/** Two clients whose handlers are in two workers. */
async function two(server: KeepingServer): Promise<[LineClient, LineClient]> {
  await ready(server);
  const one = await LineClient.connect(server.server_address);
  const other = await LineClient.connect(server.server_address);
  assertNotEquals(await one.ask("me"), await other.ask("me"));
  return [one, other];
}

/** Has clients say lines, each with its answer. */
async function talk(...lines: [client: LineClient, line: string, answer: string][]): Promise<void> {
  for (const [client, line, answer] of lines) {
    assertEquals([line, await client.ask(line)], [line, answer]);
  }
}

/** Ends the worker of a client's handler. */
async function end(client: LineClient): Promise<void> {
  await client.send("end");
  assertEquals(await line_or_end(client), null);
  client[Symbol.dispose]();
}

for (const way of WORKERS) {
  Deno.test(`${way.name}: a lock made in a worker excludes all, wherever it goes`, async () => {
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk([maker, "make", "make"], [other, "collect", "collect"]);
    const { lock } = server.kept!;
    await talk(
      [maker, "same", "true"],
      [other, "same", "true"],
      [maker, "try", "true"],
      [other, "try", "false"],
      [other, "release", "TypeError"],
      [maker, "release", "release"],
      [other, "try", "true"],
      [maker, "try", "false"],
    );
    assertEquals(await lock.acquire(false), false);
    assertEquals(await lock.locked(), true);
    await talk([other, "release", "release"], [other, "try", "true"], [
      other,
      "release",
      "release",
    ]);
    assertEquals(await lock.acquire(), true);
    await talk([maker, "try", "false"], [other, "try", "false"]);
    await other.send("hold");
    lock.release();
    assertEquals(await other.line(), "held");
    maker[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  Deno.test(`${way.name}: a lock as an item of a queue`, async () => {
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk(
      [maker, "make", "make"],
      [maker, "put", "put"],
      [other, "get", "get"],
      [other, "try", "true"],
      [maker, "try", "false"],
      [other, "release", "release"],
      [maker, "hold", "held"],
    );
    maker[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  Deno.test(`${way.name}: who holds what another worker made, and is lost`, async () => {
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk(
      [maker, "make", "make"],
      [other, "collect", "collect"],
      [other, "permits 2", "true"],
      [other, "hold", "held"],
    );
    // The maker's is the first in line.
    await maker.send("ask");
    await soon(server.log.until(({ entries }) => entries.includes("asked")));
    await end(other);
    assertEquals(await maker.line(), "abandoned");
    await talk([maker, "permits 3", "false"]);
    maker[Symbol.dispose]();
  });

  Deno.test(`${way.name}: who waits for what another worker made, and is lost`, async () => {
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk([maker, "make", "make"], [other, "collect", "collect"], [maker, "hold", "held"]);
    await other.send("ask-and-end");
    assertEquals(await line_or_end(other), null);
    other[Symbol.dispose]();
    const waiting = server.kept!.lock.hold();
    await talk([maker, "release", "release"]);
    using hold = await soon(waiting);
    assertEquals(hold.abandoned, false);
    maker[Symbol.dispose]();
  });

  Deno.test(`${way.name}: the end of a lock's maker ends all waits for it`, async () => {
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk([maker, "make", "make"], [other, "collect", "collect"], [maker, "hold", "held"]);
    const waiting = assertRejects(() => server.kept!.lock.hold(), Deno.errors.BadResource);
    await other.send("ask");
    await soon(server.log.until(({ entries }) => entries.includes("asked")));
    await end(maker);
    await soon(waiting);
    assertEquals(await other.line(), "BadResource");
    await talk([other, "try", "BadResource"], [other, "locked", "BadResource"]);
    await assertRejects(() => server.kept!.lock.acquire(), Deno.errors.BadResource);
    other[Symbol.dispose]();
  });

  Deno.test(`${way.name}: a lock that is withdrawn where it was handed to`, async () => {
    const before = hub.size;
    await using server = serve(way);
    const [maker, other] = await two(server);
    await talk([maker, "make", "make"], [other, "collect", "collect"], [maker, "hold", "held"]);
    const waiting = assertRejects(() => server.kept!.lock.hold(), Deno.errors.BadResource);
    await talk([other, "dispose", "dispose"]);
    await soon(waiting);
    await talk([maker, "try", "BadResource"], [other, "try", "BadResource"]);
    // The queue, the semaphore.
    await until(() => hub.size <= before + 2);
    maker[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  Deno.test(`${way.name}: a lock with a name is one in the whole program`, async () => {
    await using server = serve(way);
    const [one, other] = await two(server);
    const name = `ledger-${way.name}`;
    const lock = threading.Lock.named(name);
    assertEquals(threading.Lock.named(name), lock);
    await talk([one, `named ${name}`, "named"], [other, `named ${name}`, "named"]);
    await talk([one, "try", "true"], [one, "try", "false"], [other, "try", "false"]);
    assertEquals(await lock.acquire(false), false);
    await talk([one, "release", "release"], [other, "hold", "held"], [one, "try", "false"]);
    const waiting = lock.hold();
    await talk([one, "dispose", "dispose"], [other, "release", "release"]);
    (await soon(waiting))[Symbol.dispose]();
    lock[Symbol.dispose]();
    await talk([one, "try", "true"]);
    assertEquals(await lock.locked(), true);
    await talk([one, "release", "release"], [one, "named other", "named"], [one, "try", "true"]);
    assertEquals(await lock.locked(), false);
    await talk([other, "hold", "held"]);
    const next = lock.hold();
    await end(other);
    using hold = await soon(next);
    assertEquals(hold.abandoned, true);
    one[Symbol.dispose]();
  });

  Deno.test(`${way.name}: a lock in what is not looked through is refused`, async () => {
    await using server = serve(way);
    using client = await LineClient.connect(server.server_address);
    await talk([client, "make", "make"]);
    for (const how of Object.keys(HIDDEN)) {
      await talk([client, `pass ${how}`, "DataCloneError"], [
        client,
        `hidden ${how}`,
        "DataCloneError",
      ]);
    }
    await talk([client, "try", "true"]);
    assertEquals(server.log.errors, []);
  });
}
