/** What a manager gives, and how it is made, started, left and found again. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  BaseManager,
  type DictProxy,
  Event,
  type ListProxy,
  Pipe,
  Queue,
} from "../../../../concurrency/multiprocessing/mod.ts";
import { ThreadPoolExecutor } from "../../../../concurrency/futures/mod.ts";
import { MADE } from "../../../../concurrency/multiprocessing/manager/makers.ts";
import { Thread } from "../../../../concurrency/threading/mod.ts";
import {
  framed,
  type Greeting,
  message,
  RawManagerClient,
} from "../../../fixtures/clients/raw_manager_client.ts";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import {
  condition,
  count as count_here,
  jobs,
  lock,
  permits,
  TestManager,
} from "../../../fixtures/managers/test_manager.ts";
import { fill_dict, use_named_lock } from "../../../fixtures/managers/tasks.ts";
import { TempFolder } from "../../../fixtures/tools/temp_folder.ts";
import { is_pending, soon, until } from "../../../fixtures/tools/waiting.ts";

Deno.test("objects come as themselves, and both programs use them", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  const queue = await client.get_jobs();
  assertInstanceOf(queue, Queue);
  assertEquals(await client.get_jobs(), queue);
  await jobs.put({ n: 1 });
  assertEquals(await queue.get(), { n: 1 });
  await queue.task_done();
  await queue.put("back");
  using job = await jobs.take();
  assertEquals(job.item, "back");
  await job.done();
  await soon(queue.join());

  const remote = await client.get_lock();
  {
    using _hold = await remote.hold();
    assertEquals(await lock.acquire(false), false);
  }
  await until(() => lock.acquire(false));
  lock.release();

  const event = await client.get_event();
  const waiting = event.wait();
  await event.set();
  assertEquals(await soon(waiting), true);
  await event.clear();
});

Deno.test("all that a Manager makes reaches other programs, which use it together", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  await using other = await managing.connect();
  const [count, same] = [await client.get_count(), await other.get_count()];
  assertEquals([await count.add(40), await same.add(2n), await count.get()], [40n, 42n, 42n]);
  const added = Array.from(
    { length: 20 },
    (_, at) => (at % 2 ? count : same).update((n) => n + 1n),
  );
  await Promise.all(added);
  assertEquals(await count_here.get(), 62n);
  using hold = await count.get_lock().hold();
  assertEquals(await same.get_lock().acquire(false), false);
  hold[Symbol.dispose]();
  const samples = await client.get_samples();
  await samples.set_slice(1, [0.5, -0]);
  assertEquals([samples.length, await samples.slice()], [3, [0, 0.5, -0]]);
  assert(Object.is(await samples.get(2), -0));
  await assertRejects(() => samples.set(3, 1), RangeError);
  for (const [name, Class] of Object.entries(MADE)) {
    assertInstanceOf(await client.make(name), Class);
  }
});

Deno.test("an end of a pipe is refused: it is of those only that its program has started", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  await assertRejects(
    () => client.get_end(),
    DOMException,
    "A Connection cannot be sent to another program",
  );
  const [end, other_end] = Pipe();
  const queue = await client.get_jobs();
  await assertRejects(() => queue.put(end), DOMException, "A Connection cannot be sent");
  end.close();
  other_end.close();
});

Deno.test("a lock that threads find by its name is used by other programs, too", async () => {
  const [used, end] = [new Event(), new Event()];
  const thread = new Thread({ target: use_named_lock, args: [used, end] });
  thread.start();
  await soon(used.wait());
  await using managing = new Managing();
  await using client = await managing.connect();
  const named = await client.get_named_lock();
  assertEquals(await soon(named.acquire()), true);
  await named.release();
  await end.set();
  await soon(thread.join());
});

Deno.test("what programs wait for together: conditions, barriers, locks that are taken again", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  await using other = await managing.connect();
  const there = await client.get_condition();
  let is_ready = false;
  const waiting = there.run(() => there.wait_for(() => is_ready));
  await until(async () => {
    is_ready = true;
    await condition.run(() => condition.notify_all());
    return !await is_pending(waiting, 1);
  });
  assertEquals(await waiting, true);

  const barriers = [await client.get_barrier(), await other.get_barrier()];
  const places = await soon(Promise.all(barriers.map((barrier) => barrier.wait())));
  assertEquals(places.toSorted(), [0, 1]);

  const [rlock, same] = [await client.get_rlock(), await other.get_rlock()];
  await rlock.run(() =>
    rlock.run(async () =>
      assertEquals(await same.run(() => 1, { timeout: 50 }).catch((e) => e.name), "TimeoutError")
    )
  );
  assertEquals(await soon(same.run(() => 2)), 2);
});

Deno.test("an object of a class has the methods that are exposed, and no other", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  const ledger = await client.get_ledger();
  const before = await ledger.later();
  assertEquals(await ledger.add(2), before + 2);
  assertEquals(await ledger.later(), before + 2);
  assertEquals("secret" in ledger, false);
  await assertRejects(() => ledger.fail(), RangeError, "The ledger is closed");
  await assertRejects(() => client.bare_ledger(), TypeError, "register it with `exposed`");
});

Deno.test("proxies in proxies, and on the way to threads, come home", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  await using other = await managing.connect();
  const dict = await client.new_dict();
  const list = await client.new_list();
  await dict.set("list", list);
  await list.append("in it");
  assertEquals(await (await dict.get("list") as ListProxy<unknown>).copy(), ["in it"]);

  const queue = await client.get_jobs();
  await queue.put(dict);
  const same = await (await other.get_jobs()).get() as DictProxy<string, unknown>;
  assertEquals(await same.keys(), ["list"]);
  await using executor = new ThreadPoolExecutor(1);
  assertEquals(await soon(executor.submit(fill_dict, dict, 3)), 4);
  assertEquals(await same.get("2"), 2);
  await queue.task_done();
});

Deno.test("an object of the client's is used by the server and by others, until the client leaves", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const own = new Queue<string>();
  {
    await using client = await managing.connect();
    await (await client.get_jobs()).put(own);
    const queue = await (await other.get_jobs()).get() as Queue<string>;
    await queue.put("over two ways");
    assertEquals(await own.get(), "over two ways");
    const waiting = assertRejects(() => queue.get(), Deno.errors.BadResource);
    assertEquals(await is_pending(waiting, 50), true);
    await client.close();
    await soon(waiting);
  }
  await jobs.task_done();
});

Deno.test("only names that make sense are registered", () => {
  class Manager extends BaseManager {
    declare get_queue: () => Promise<Queue<number>>;
    declare count: (from: number) => Promise<number>;
    other = 5;
  }
  // @ts-expect-error It is not declared.
  Manager.register("get_other", {});
  // @ts-expect-error It is no method.
  Manager.register("other", {});
  // @ts-expect-error It gives something else.
  Manager.register("get_queue", { callable: () => 5 });
  // @ts-expect-error It takes something else.
  Manager.register("count", { callable: (from: string) => Number(from) });
  Manager.register("count", { callable: (from) => from + 1 });
  Manager.register("get_queue");
  const register = Manager.register as (this: unknown, name: unknown, how?: unknown) => void;
  const refused = (name: unknown, how: unknown, message: string) =>
    assertThrows(() => register.call(Manager, name, how), TypeError, message);
  refused("connect", {}, "take another name");
  refused("", {}, "take another name");
  refused(5, {}, "take another name");
  refused("get_queue", { callable: 5 }, "must be a function");
  refused("get_queue", { exposed: "add" }, "must be an array of names");
  refused("get_queue", { call: () => 5 }, "there is no option of this name");
});

Deno.test("settings that make no sense are refused", () => {
  assertThrows(() => new TestManager({ adress: "a" } as never), TypeError, "adress");
  assertThrows(() => new TestManager({ address: ["127.0.0.1", 70_000] }), RangeError, "port");
  assertThrows(() => new TestManager({ peer_timeout: 0 }), RangeError, "peer_timeout");
  assertThrows(() => new TestManager({ max_message_size: 100 }), RangeError, "max_message_size");
  assertThrows(() => new TestManager({ reconnect_timeout: NaN }), RangeError);
});

Deno.test("a manager that is not connected, or is closed, says so", async () => {
  const lonely = new TestManager();
  await assertRejects(() => lonely.echo(1), TypeError, "connect() or start() it");
  await assertRejects(() => lonely.shutdown(), TypeError, "was not started here");
  await lonely.close();
  await using managing = new Managing();
  const client = await managing.connect();
  await assertRejects(() => client.connect(), TypeError, "connected already");
  await assertRejects(() => client.start(), TypeError, "connected already");
  const queue = await client.get_jobs();
  const waiting = assertRejects(() => queue.get(), Deno.errors.BadResource, "has ended");
  await client.close();
  await soon(waiting);
  await assertRejects(() => soon(client.echo(1)), Deno.errors.BadResource, "was closed");
  await managing.is_left();
  assertEquals(managing.reports, []);
});

Deno.test("nobody listens: connect() says so, with the address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const client = new TestManager({ address: ["127.0.0.1", port] });
  await assertRejects(() => client.connect(), Deno.errors.ConnectionRefused, `127.0.0.1:${port}`);
});

Deno.test("over a Unix socket", async () => {
  await using folder = await TempFolder.make();
  await using managing = new Managing({ address: `${folder.path}/manager.sock` });
  await using client = await managing.connect();
  assertEquals(client.address, managing.server.server_address);
  assertEquals(await client.echo("hello"), "hello");
});

Deno.test("in a process of its own", async () => {
  await using manager = new TestManager();
  await soon(manager.start());
  assertEquals(await manager.pid() === Deno.pid, false);
  assertEquals((manager.address as Deno.NetAddr).port > 0, true);
  await assertRejects(() => manager.start(), TypeError, "once");
  const queue = await manager.get_jobs();
  await queue.put(1);
  await using other = new TestManager({ address: manager.address });
  await other.connect();
  assertEquals(await (await other.get_jobs()).get(), 1);
  await manager.shutdown();
  await assertRejects(() => soon(manager.pid()), Deno.errors.BadResource);
});

Deno.test("a class that the process cannot find is told", async () => {
  class Hidden extends BaseManager {
    static override module: string = import.meta.url;
  }
  await using hidden = new Hidden();
  await assertRejects(
    () => soon(hidden.start()),
    TypeError,
    "Cannot find the manager class Hidden",
  );
});

Deno.test("calls under way reject when the server goes, and later ones find the next server", async () => {
  let managing = new Managing();
  const address = managing.server.server_address;
  await using client = await managing.connect({ reconnect_timeout: 20_000 });
  const queue = await client.get_jobs();
  const waiting = assertRejects(() => queue.get(), Deno.errors.BadResource, "has ended");
  await managing[Symbol.asyncDispose]();
  await soon(waiting);
  await assertRejects(() => queue.put(1), Deno.errors.BadResource, "has ended");
  const pids = [client.pid(), client.pid()];
  managing = new Managing({ address });
  await using _managing = managing;
  assertEquals(await soon(Promise.all(pids)), [Deno.pid, Deno.pid]);
  assertEquals(managing.server.info().active, 1);
  const again = await client.get_jobs();
  await again.put("found again");
  assertEquals(await again.get(), "found again");
  await again.task_done();
});

Deno.test("a server that does not come back is looked for no longer than told", async () => {
  const managing = new Managing();
  await using client = await managing.connect({ reconnect_timeout: 100 });
  await managing[Symbol.asyncDispose]();
  // The first call may be the one that notices.
  await until(async () => {
    const error = await client.echo(1).catch((error) => error);
    return error instanceof Deno.errors.ConnectionRefused;
  });
  const closing = assertRejects(() => soon(client.echo(1)));
  await client.close();
  await closing;
});

Deno.test("a client that is closed looks for its server no longer", async () => {
  const managing = new Managing();
  const client = await managing.connect({ reconnect_timeout: 60_000 });
  await managing[Symbol.asyncDispose]();
  // The first call may be the one that notices that it is gone.
  let call!: Promise<string>;
  await until(async () => {
    call = client.echo(1).then(() => "echo", (error) => error.message);
    return await is_pending(call, 100);
  });
  await client.close();
  assertEquals(await soon(call), "The manager was closed");
});

Deno.test("much that is told in one turn goes in several messages, none of them too large", async () => {
  const max_message_size = 2 ** 20;
  await using managing = new Managing({ max_message_size });
  await using client = await managing.connect({ max_message_size });
  const queue = await client.get_jobs();
  const text = "x".repeat(20_000);
  await soon(Promise.all(Array.from({ length: 200 }, () => queue.put(text))));
  const items = await soon(Promise.all(Array.from({ length: 200 }, () => queue.get())));
  assertEquals(new Set(items), new Set([text]));
  // What only its frame makes too large is refused at the caller, and harms nothing.
  const error = await assertRejects(
    () => queue.put("x".repeat(max_message_size - 20)),
    DOMException,
  );
  assertEquals(error.name, "DataCloneError");
  assertEquals(await client.echo(1), 1);
});

Deno.test("who is silent is gone, on both sides", async () => {
  await using managing = new Managing({ peer_timeout: 300 });
  // A client that has gone without a word, as by a broken network: it has all permits.
  const [silent, { root }] = await RawManagerClient.greeted(managing.port, KEY);
  using _silent = silent;
  await silent.tell([0, 1, root.mine, "call", 7, ["get_permits", []], null]);
  const permits_there = await silent.given();
  for (const number of [2, 3, 4]) {
    await silent.tell([0, number, permits_there, "acquire", 7, [null], null]);
    await silent.told();
    await silent.tell([4, number]);
  }
  assertEquals(await permits.acquire(false), false);
  assertEquals(await soon(permits.acquire()), true);
  await permits.release();
  await until(() => managing.reports.length === 2);
  assertEquals(managing.reports, [
    "3 permits of get_permits() came back: who had taken them was lost",
    "The other side said nothing for 300 ms",
  ]);
});

Deno.test("a server that is silent is gone for its client", async () => {
  await using started = new TestManager({ authkey: KEY, peer_timeout: 300 });
  await soon(started.start());
  // Passes everything on until it is told not to.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = new TestManager({
    address: ["127.0.0.1", listener.addr.port],
    authkey: KEY,
    reconnect_timeout: 0,
  });
  const connecting = client.connect();
  using front = await listener.accept();
  using back = await Deno.connect(started.address as Deno.NetAddr & { transport: "tcp" });
  const cut = new AbortController();
  const pass = (from: Deno.Conn, to: Deno.Conn) =>
    from.readable.pipeTo(to.writable, {
      signal: cut.signal,
      preventClose: true,
      preventCancel: true,
    })
      .catch(() => {});
  const passing = [pass(front, back), pass(back, front)];
  await soon(connecting);
  const waiting = assertRejects(
    () => client.get_jobs().then((queue) => queue.get()),
    Deno.errors.BadResource,
    "has ended",
  );
  await until(async () => await is_pending(waiting, 100));
  cut.abort();
  await soon(waiting);
  await client.close();
  await soon(Promise.all(passing));
});

/** A call of `echo()`. */
function echo({ root }: Greeting, size: number): Uint8Array {
  return message(
    JSON.stringify([0, 1, root.mine, "call", 1, ["echo", ["x".repeat(size)]], null]),
  );
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("who is slow is there: a call that comes byte by byte", async () => {
  await using managing = new Managing({ peer_timeout: 1500 });
  const [client, greeting] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  const frame = framed(echo(greeting, 1000));
  for (const byte of frame.subarray(0, 20)) {
    await client.conn.write(new Uint8Array([byte]));
    await pause(100);
  }
  await client.conn.write(frame.subarray(20));
  assertEquals((await client.told()).slice(0, 2), [3, 1]);
});

Deno.test("who is slow is there: an answer that is read bit by bit", async () => {
  await using managing = new Managing({ peer_timeout: 500 });
  const [client, greeting] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  await client.send(echo(greeting, 20_000_000));
  const part = new Uint8Array(500_000);
  let read = 0;
  while (read < 20_000_000) {
    const count = await soon(client.conn.read(part));
    if (count === null) break;
    read += count;
    await pause(20);
    // It says that it is there.
    await client.send(new Uint8Array(0));
  }
  assertEquals(read >= 20_000_000, true);
});

Deno.test("who takes nothing of what it is told is gone", async () => {
  await using managing = new Managing({ peer_timeout: 300 });
  const [client, greeting] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  await client.send(echo(greeting, 20_000_000));
  // It says that it is there.
  while (managing.reports.length === 0) {
    await client.send(new Uint8Array(0)).catch(() => {});
    await pause(50);
  }
  assertEquals(managing.reports, ["The other side took nothing of what it is told for 300 ms"]);
});

Deno.test("both are there although they have nothing to say", async () => {
  await using managing = new Managing({ peer_timeout: 200 });
  await using client = await managing.connect();
  const queue = await client.get_jobs();
  const waiting = queue.get();
  assertEquals(await is_pending(waiting, 1000), true);
  await jobs.put("at last");
  assertEquals(await soon(waiting), "at last");
  await queue.task_done();
});
