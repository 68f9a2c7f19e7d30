import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as threading from "../../../concurrency/threading/mod.ts";
import type { ServerOptions, TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { BARRIER_CASES, new_barriers } from "../../fixtures/handlers/barrier_cases.ts";
import {
  Meeting,
  MeetingHandler,
  type MeetingMembers,
} from "../../fixtures/handlers/barrier_handlers.ts";
import { ALL_WAYS, FORKING, test_ways_at_once } from "../../fixtures/servers/all_ways.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

type MeetingServer = TCPServer & MeetingMembers;

/** A server with barriers that serves until the block is left; one worker or child unless told. */
function serve(
  way: Way,
  { meeting, ...options }: ServerOptions & { meeting?: threading.Barrier } = {},
): MeetingServer & AsyncDisposable {
  const Server = Meeting(way.Server) as unknown as typeof TCPServer;
  const settings = { max_workers: 1, max_children: 1, allow_reuse_port: way.relay, ...options };
  const server = make({ ...way, Server }, MeetingHandler, settings) as MeetingServer;
  if (meeting) server.meeting = meeting;
  return serving(server);
}

/** What a wait ends with: an index, or an error's name. */
async function outcome_of(wait: Promise<number>): Promise<number | string> {
  try {
    return await soon(wait);
  } catch (error) {
    return (error as Error).name;
  }
}

const BROKEN = "BrokenBarrierError";
const THREADING = ALL_WAYS.find(({ name }) => name === "ThreadingTCPServer")!;

for (const [name, run] of Object.entries(BARRIER_CASES)) {
  Deno.test(`Barrier: ${name}`, () => soon(run(new_barriers())));
}

test_ways_at_once("the same promises of a barrier", () => true, async (way) => {
  await using server = serve(way);
  using client = await LineClient.connect(server.server_address);
  for (const name of Object.keys(BARRIER_CASES)) {
    assertEquals(`${name}: ${await client.ask(`case ${name}`)}`, `${name}: ok`);
  }
  assertEquals(server.log.errors, []);
});

Deno.test("Barrier: what it cannot be made of", () => {
  const { Barrier } = threading;
  for (const parties of [0, -1, 1.5, NaN, "2" as never, undefined as never]) {
    assertThrows(() => new Barrier(parties), RangeError, "parties");
  }
  assertThrows(() => new Barrier(2, "act" as never), TypeError, "must be a function");
  assertThrows(() => new Barrier(2, null, -1), RangeError);
  assertThrows(() => new Barrier(2, null, "1" as never), TypeError);
});

Deno.test("Barrier: an action that waits holds all back, and those who come then are the next", async () => {
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const barrier = new threading.Barrier(2, async () => {
    order.push("action");
    await gate.promise;
  });
  const wait = (name: string) => barrier.wait().then((index) => order.push(`${name} ${index}`));
  const waits = ["a", "b", "c", "d", "e"].map(wait);
  assertEquals(await barrier.n_waiting(), 5);
  assertEquals(order, ["action"]);
  gate.resolve();
  await soon(Promise.all(waits.slice(0, 4)));
  assertEquals(order, ["action", "action", "a 0", "b 1", "c 0", "d 1"]);
  assertEquals(await barrier.n_waiting(), 1);
  waits.push(wait("f"));
  await soon(Promise.all(waits));
});

Deno.test("Barrier: who comes while the action runs and gives up breaks it for those who are next only", async () => {
  const gate = Promise.withResolvers<void>();
  const barrier = new threading.Barrier(2, () => gate.promise);
  const first = [barrier.wait(), barrier.wait()];
  assertEquals(await outcome_of(barrier.wait(0)), BROKEN);
  assertEquals(await barrier.broken(), true);
  gate.resolve();
  assertEquals(await soon(Promise.all(first)), [0, 1]);
  assertEquals(await outcome_of(barrier.wait()), BROKEN);
});

Deno.test("Barrier: abort() while the action runs waits for nothing; a late error of it is reported", async () => {
  const gate = Promise.withResolvers<void>();
  class Held extends Meeting(THREADING.Server) {
    override meeting = new threading.Barrier(1, () => gate.promise);
  }
  await using server = serving(new Held(["127.0.0.1", 0], MeetingHandler, { max_workers: 1 }));
  // Fields are the server's from when it begins to serve.
  await until(() => server.info().state === "serving");
  const wait = server.meeting.wait();
  await server.meeting.abort();
  assertEquals(await outcome_of(wait), BROKEN);
  await server.meeting.reset();
  gate.reject(new RangeError("too late"));
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertEquals(String(server.log.errors), "RangeError: too late");
  assertEquals(await server.meeting.broken(), false);
});

Deno.test("Barrier: one that is withdrawn ends all waits", async () => {
  const barrier = new threading.Barrier(2);
  const wait = barrier.wait();
  barrier[Symbol.dispose]();
  await assertRejects(() => soon(wait), Deno.errors.BadResource, "withdrawn");
  await assertRejects(() => barrier.wait(), Deno.errors.BadResource, "withdrawn");
});

/** Two workers and two children, which with two tasks of the program meet at a barrier of six. */
class Six implements AsyncDisposable {
  readonly barrier = new threading.Barrier(6);
  readonly clients: LineClient[] = [];
  #stack = new AsyncDisposableStack();
  #servers: TCPServer[];

  constructor() {
    const options = { max_workers: 2, max_children: 2, meeting: this.barrier };
    const threads = this.#stack.use(serve(THREADING, options));
    const children = this.#stack.use(serve(FORKING, options));
    this.#servers = [threads, threads, children, children];
  }

  /** Has the handler of a number begin, in a worker or child of its own. */
  async begin(number: number): Promise<void> {
    await ready(this.#servers[number]!);
    const client = await LineClient.connect(this.#servers[number]!.server_address);
    this.clients[number] = this.#stack.use(client);
    await client.ask("who");
  }

  /** What each of the six gets in each of so many rounds. */
  async rounds(count: number): Promise<number[][]> {
    const asked = this.clients.map((client) => client.ask(`rounds ${count}`));
    const own = async () => {
      const indices: number[] = [];
      for (let round = 0; round < count; round++) indices.push(await this.barrier.wait());
      return indices;
    };
    const heard = asked.map(async (answer) => JSON.parse((await answer)!) as number[]);
    return await soon(Promise.all([...heard, own(), own()]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** All six got another index, in each round. */
function assert_rounds(parties: number[][], count: number): void {
  for (let round = 0; round < count; round++) {
    assertEquals(parties.map((indices) => indices[round]!).toSorted(), [0, 1, 2, 3, 4, 5]);
  }
}

Deno.test("Barrier: two workers, two children and the program meet ten times; one that dies breaks it, reset() mends it", async () => {
  await using six = new Six();
  const { barrier, clients } = six;
  for (const number of [0, 1, 2, 3]) await six.begin(number);
  const places = await Promise.all(clients.map((client) => client.ask("who")));
  assertEquals(new Set(places).size, 4);
  assert_rounds(await six.rounds(10), 10);
  // A worker, then a child.
  for (const victim of [0, 2]) {
    const others = clients.filter((_, number) => number !== victim);
    const answers = others.map((client) => client.ask("wait"));
    const own = outcome_of(barrier.wait());
    await until(async () => await barrier.n_waiting() === 4);
    await clients[victim]!.send("die");
    const lines = await Promise.all(answers);
    assertEquals(lines.map((line) => line!.split(":")[0]), [BROKEN, BROKEN, BROKEN]);
    assertEquals([await own, await barrier.broken()], [BROKEN, true]);
    await barrier.reset();
    await six.begin(victim);
    assert_rounds(await six.rounds(1), 1);
  }
});

for (const way of [THREADING, FORKING]) {
  Deno.test(`${way.name}: a party that comes last and dies while the action runs breaks the barrier`, async () => {
    const gate = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const meeting = new threading.Barrier(3, () => {
      began.resolve();
      return gate.promise;
    });
    await using server = serve(way, { meeting });
    using client = await LineClient.connect(server.server_address);
    await client.ask("who");
    const waits = [outcome_of(meeting.wait()), outcome_of(meeting.wait())];
    await client.send("die");
    await soon(began.promise);
    assertEquals(await Promise.all(waits), [BROKEN, BROKEN]);
    await meeting.reset();
    gate.resolve();
    const again = [meeting.wait(), meeting.wait(), meeting.wait()];
    assertEquals(await soon(Promise.all(again)), [0, 1, 2]);
  });
}

test_ways_at_once("a party whose request is given up breaks a barrier", () => true, async (way) => {
  await using server = serve(way, { request_timeout: 2000 });
  using client = await LineClient.connect(server.server_address);
  const wait = outcome_of(server.meeting.wait());
  await client.send("wait");
  assertEquals(await wait, BROKEN);
});

test_ways_at_once("a server that closes breaks barriers for others", () => true, async (way) => {
  const server = serve(way);
  using client = await LineClient.connect(server.server_address);
  const { meeting } = server;
  const wait = outcome_of(meeting.wait());
  await client.send("wait");
  await until(async () => await meeting.n_waiting() === 2);
  await server[Symbol.asyncDispose]();
  assertEquals(await wait, BROKEN);
});

Deno.test("Barrier: one that a worker made reaches others through the server, and as an item", async () => {
  await using server = serve(THREADING, { max_workers: 3 });
  const clients: LineClient[] = [];
  await using stack = new AsyncDisposableStack();
  for (let number = 0; number < 3; number++) {
    clients.push(stack.use(await LineClient.connect(server.server_address)));
    await clients[number]!.ask("who");
  }
  const [maker, asker, getter] = clients as [LineClient, LineClient, LineClient];
  const made = maker.ask("make 4");
  await until(() => server.kept() !== undefined);
  const barrier = server.kept()!;
  await until(async () => await barrier.n_waiting() === 1);
  const answers = Promise.all([made, asker.ask("kept"), getter.ask("item")]);
  await until(async () => await barrier.n_waiting() === 3);
  assertEquals([barrier.parties, await soon(barrier.wait())], [4, 3]);
  assertEquals((await answers).toSorted(), ["0", "4 1", "4 2"]);
});
