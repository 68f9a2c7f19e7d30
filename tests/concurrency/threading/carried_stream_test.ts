/** Connections that are given to threads, children and tasks. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../../concurrency/futures/mod.ts";
import { Pipe, Process, TimeoutError } from "../../../concurrency/multiprocessing/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Event, Thread } from "../../../concurrency/threading/mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import { BufferedReader } from "../../../mod.ts";
import { StreamSocket } from "../../../server/sockets/stream_socket.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import * as tasks from "../../fixtures/tasks/connection_tasks.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const module = tasks.MODULE;

/** The places in a line of /proc/net/tcp. */
const [LOCAL, REMOTE, INODE] = [1, 2, 9];

/** What the system calls the sockets of connections to a port, and of its listener. */
function sockets_at(port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[LOCAL]?.endsWith(end) || words[REMOTE]?.endsWith(end))
    .map((words) => `socket:[${words[INODE]}]`);
}

/** Accepts connections of clients, and knows their sockets: tests that run beside have some, too. */
class Gate implements Disposable {
  readonly listener: Deno.TcpListener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port = (this.listener.addr as Deno.NetAddr).port;
  readonly #listening = new Set(sockets_at(this.#port));
  readonly #sockets = new Set<string>();

  async accept(): Promise<Deno.TcpConn> {
    const conn = await this.listener.accept();
    for (const socket of sockets_at(this.#port)) this.#sockets.add(socket);
    return conn;
  }

  async pair(): Promise<[client: LineClient, conn: Deno.TcpConn]> {
    const client = LineClient.connect(this.listener.addr as Deno.NetAddr);
    const conn = await soon(this.accept());
    return [await client, conn];
  }

  /** Waits until this process has none of the connections open, at either end. */
  async settled(): Promise<void> {
    const accepted = this.#sockets.difference(this.#listening);
    assert(accepted.size > 0);
    await until(() => open_files().isDisjointFrom(accepted));
  }

  [Symbol.dispose](): void {
    this.listener.close();
  }
}

/** What the descriptors of this process are of. */
function open_files(): Set<string> {
  const folder = "/proc/self/fd";
  return new Set([...Deno.readDirSync(folder)].map(({ name }) => link_of(`${folder}/${name}`)));
}

/** Where a link leads; nowhere if it is gone by now. */
function link_of(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

/** Starts threads that answer what comes by a queue. */
async function answering(
  connections: Queue<Deno.Conn>,
  count: number,
): Promise<AsyncDisposable> {
  const threads = Array.from(
    { length: count },
    () => new Thread({ target: tasks.answer_all, args: [connections], module }),
  );
  await soon(Promise.all(threads.map((thread) => thread.start())));
  return {
    async [Symbol.asyncDispose]() {
      await connections.shutdown();
      await soon(Promise.all(threads.map((thread) => thread.join())));
    },
  };
}

/** Has a client ask twice, and be answered while this thread does nothing. */
async function ask_while_this_thread_waits(address: Deno.NetAddr | Deno.UnixAddr): Promise<void> {
  const step = new Int32Array(new SharedArrayBuffer(4));
  const asking = new Thread({ target: tasks.ask_twice, args: [address, step], module });
  await soon(asking.start());
  await until(() => Atomics.load(step, 0) === 1);
  Atomics.store(step, 0, 2);
  assertEquals(Atomics.wait(step, 0, 2, 20_000) === "timed-out", false);
  await soon(asking.join());
}

Deno.test("queue.put(connection): threads that are fed by a queue answer the clients", async () => {
  using gate = new Gate();
  const connections = new Queue<Deno.Conn>();
  {
    await using _threads = await answering(connections, 2);
    const accepting = (async () => {
      for (let n = 0; n < 20; n++) await connections.put(await gate.accept());
    })();
    const talk = async (n: number) => {
      using client = await LineClient.connect(gate.listener.addr as Deno.NetAddr);
      const [, thread, text] = (await client.ask(`hello ${n}`))!.split(/ (.*?) /, 3);
      assertEquals(text, `HELLO ${n}`);
      assertEquals((await client.ask("again"))!.endsWith("AGAIN"), true);
      return thread;
    };
    const threads = await Promise.all([...Array(20).keys()].map(talk));
    assertEquals(new Set(threads).size, 2);
    await soon(accepting);
  }
  await gate.settled();
});

Deno.test("a connection is closed for the client when who has it closes it, and at once", async () => {
  using gate = new Gate();
  await using executor = new ThreadPoolExecutor(1, { module });
  const [client, conn] = await gate.pair();
  using _client = client;
  const { localAddr, remoteAddr } = conn;
  const looking = executor.submit(tasks.look_at, conn);
  assertEquals(await client.line(), null);
  await client.conn.closeWrite();
  assertEquals(await soon(looking.result()), [localAddr, remoteAddr, null, "BadResource"]);
});

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const way = Executor === ThreadPoolExecutor ? "thread" : "child";

  Deno.test(`submit(fn, connection): a ${way} answers, and closes it at the end of the task`, async () => {
    using gate = new Gate();
    {
      await using executor = new Executor(2, { module });
      for (let n = 0; n < 5; n++) {
        const [client, conn] = await gate.pair();
        using _client = client;
        const answering = executor.submit(tasks.answer, conn);
        const [pid, , text] = (await client.ask("hello"))!.split(" ");
        assertEquals([Number(pid) === Deno.pid, text], [way === "thread", "HELLO"]);
        await client.conn.closeWrite();
        assertEquals(await client.line(), null);
        await soon(answering.result());
      }
    }
    await gate.settled();
  });

  Deno.test(`a ${way} has a descriptor of its own: it answers while this thread does nothing`, async () => {
    using gate = new Gate();
    await using executor = new Executor(1, { module });
    const asked = ask_while_this_thread_waits(gate.listener.addr as Deno.NetAddr);
    const answering = executor.submit(tasks.answer, await soon(gate.accept()));
    await asked;
    await soon(answering.result());
  });

  Deno.test(`a ${way} with a connection that is killed closes it`, async () => {
    using gate = new Gate();
    {
      await using executor = new Executor(1, { module });
      const [client, conn] = await gate.pair();
      using _client = client;
      const there = new Event();
      const lost = executor.submit(tasks.keep_in_loop, conn, there);
      await soon(there.wait());
      void executor.terminate_workers();
      assertEquals(await line_or_end(client), null);
      await soon(Promise.allSettled([lost]));
    }
    await gate.settled();
  });

  Deno.test(`the connection of a task that no ${way} ever takes is closed`, async () => {
    using gate = new Gate();
    {
      await using executor = new Executor(1, { module });
      const go = new Event();
      const first = executor.submit(tasks.hold_up, go);
      const pairs = [await gate.pair(), await gate.pair(), await gate.pair()];
      const futures = pairs.map(([, conn]) => executor.submit(tasks.answer, conn));
      assertEquals(futures[1]!.cancel(), true);
      assertEquals(await line_or_end(pairs[1]![0]), null);
      const shut = executor.shutdown({ cancel_futures: true });
      for (const index of [0, 2]) assertEquals(await line_or_end(pairs[index]![0]), null);
      await go.set();
      await soon(shut);
      await soon(Promise.allSettled([first, ...futures]));
      for (const [client] of pairs) client[Symbol.dispose]();
    }
    await gate.settled();
  });

  Deno.test(`the connection of a task whose function is not found, or that fails in a ${way}, is closed`, async () => {
    using gate = new Gate();
    {
      await using executor = new Executor(1, { module });
      const nowhere = (_conn: Deno.Conn) => {};
      for (const task of [nowhere, tasks.not_well]) {
        const [client, conn] = await gate.pair();
        using _client = client;
        const failed = executor.submit(task, conn);
        assertEquals(await line_or_end(client), null);
        await soon(failed.exception());
      }
    }
    await gate.settled();
  });

  Deno.test(`what has come to a ${way} is not passed on, and other things are not passed at all`, async () => {
    using gate = new Gate();
    await using executor = new Executor(1, { module });
    const queue = new Queue<unknown>();
    const [client, conn] = await gate.pair();
    using _client = client;
    const message = await soon(executor.submit(tasks.pass_on, conn, queue).result());
    assertMatch(message, /a connection that has come from another one/);
    const { port } = gate.listener.addr as Deno.NetAddr;
    const own = executor.submit(tasks.give_up, port, queue);
    using _accepted = await soon(gate.accept());
    assertMatch(await soon(own.result()), /a connection to another .* that has started this one/);
    using file = await Deno.open(new URL(module));
    const [other, busy] = await gate.pair();
    using _other = other;
    using _busy = busy;
    for (const thing of [gate.listener, file, new BufferedReader(busy)]) {
      await assertRejects(
        () => soon(executor.submit(tasks.hold_up, new Event(), thing).result()),
        TypeError,
        `Cannot pass a ${thing.constructor.name}`,
      );
      await assertRejects(
        () => queue.put([thing]),
        DOMException,
        "Cannot pass an item: Cannot pass",
      );
    }
  });
}

Deno.test("Thread: a connection is an argument, and closed if the thread never runs", async () => {
  using gate = new Gate();
  {
    const [client, conn] = await gate.pair();
    using _client = client;
    const thread = new Thread({ target: tasks.answer, args: [conn], module });
    await soon(thread.start());
    assertMatch((await client.ask("hello"))!, /HELLO$/);
    await client.conn.closeWrite();
    await soon(thread.join());
    assertEquals(await client.line(), null);
  }
  {
    const [client, conn] = await gate.pair();
    using _client = client;
    const thread = new Thread({ target: tasks.answer, args: [conn], module });
    const start = thread.start();
    thread.terminate();
    await soon(start);
    await soon(thread.join());
    assertEquals(await line_or_end(client), null);
  }
  await gate.settled();
});

Deno.test("a queue closes the connections that are in it when it is shut down at once, or withdrawn", async () => {
  using gate = new Gate();
  for (const how of ["shutdown", "withdraw"]) {
    const queue = new Queue<Deno.Conn>();
    const [client, conn] = await gate.pair();
    using _client = client;
    await queue.put(conn);
    if (how === "shutdown") await queue.shutdown(true);
    else queue[Symbol.dispose]();
    assertEquals(await line_or_end(client), null);
  }
  await gate.settled();
});

Deno.test("a queue closes the connection of an item that it drops, or that comes back when it is emptied", async () => {
  using gate = new Gate();
  const print = console.error;
  const reports: unknown[] = [];
  for (const how of ["dropped", "emptied"]) {
    const queue = new Queue<unknown>(0, { max_deliveries: 1 });
    const [client, conn] = await gate.pair();
    using _client = client;
    await queue.put([conn]);
    const job = await queue.take();
    if (how === "emptied") await queue.shutdown(true);
    console.error = (what) => void reports.push(what);
    job[Symbol.dispose]();
    console.error = print;
    assertEquals(await line_or_end(client), null);
  }
  assertMatch(reports.join(), /was taken 1 times and never done/);
  await gate.settled();
});

Deno.test("a pipe closes the connections that are in it when nobody can receive them any more", async () => {
  using gate = new Gate();
  for (const how of ["closed", "killed"]) {
    const [here, there] = Pipe<unknown>();
    const [client, conn] = await gate.pair();
    using _client = client;
    const process = new Process({ target: tasks.hold_end, args: [there], module });
    if (how === "killed") await soon(process.start());
    await here.send([conn]);
    if (how === "killed") process.kill();
    else there.close();
    assertEquals(await line_or_end(client), null);
    if (how === "killed") await soon(process.join());
  }
  await gate.settled();
});

Deno.test("a connection that finds no room stays with who has it, and what is in use by then is refused", async () => {
  using gate = new Gate();
  const [client, conn] = await gate.pair();
  using _client = client;
  using socket = new StreamSocket(conn);
  const queue = new Queue<unknown>(1);
  const [one, other] = Pipe<unknown>();
  await queue.put("first");
  await one.send("first".repeat(2 ** 20));
  await assertRejects(() => one.send(socket, { timeout: 0 }), TimeoutError);
  await client.send("hello");
  assertEquals((await soon(socket.recv(100)))?.length, 6);

  const putting = [queue.put(socket), one.send(socket)];
  const reading = socket.recv(100);
  assertEquals(await soon(queue.get()), "first");
  await soon(other.recv());
  for (const put of putting) await assertRejects(() => soon(put), TypeError, "in use");
  assertEquals(await queue.qsize(), 0);
  await client.send("again");
  assertEquals((await soon(reading))?.length, 6);
});

Deno.test("a handler gives its connection to threads: the server leaves it to them", async () => {
  await using server = serving(new tasks.GivingServer(["127.0.0.1", 0], tasks.GivingHandler));
  server.connections = new Queue();
  await using _threads = await answering(server.connections, 1);
  for (let n = 0; n < 3; n++) {
    using client = await LineClient.connect(server.server_address as Deno.NetAddr);
    assertMatch((await client.ask("hello"))!, /[1-9]\d* HELLO$/);
    await client.conn.closeWrite();
    assertEquals(await client.line(), null);
  }
});

Deno.test("a Unix connection of a server has a descriptor of its own where it goes, too", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("socket");
  await using server = serving(new tasks.GivingUnixServer(path, tasks.GivingHandler));
  server.connections = new Queue();
  await using _threads = await answering(server.connections, 1);
  await ask_while_this_thread_waits(server.server_address);
});

Deno.test("a Unix connection goes, too", async () => {
  await using folder = await TempFolder.make();
  const path = `${folder.path}/socket`;
  using listener = Deno.listen({ transport: "unix", path });
  await using executor = new ThreadPoolExecutor(1, { module });
  using client = await LineClient.connect({ transport: "unix", path });
  const answering = executor.submit(tasks.answer, await soon(listener.accept()));
  assertMatch((await client.ask("hello"))!, /HELLO$/);
  await client.conn.closeWrite();
  await soon(answering.result());
});

Deno.test("connections that are over leave nothing", async () => {
  using gate = new Gate();
  await using threads = new ThreadPoolExecutor(1, { module });
  await using children = new ProcessPoolExecutor(1, { module });
  const before = hub.size;
  for (const executor of [threads, children, threads, children]) {
    const [client, conn] = await gate.pair();
    const answering = executor.submit(tasks.answer, conn);
    await client.ask("hello");
    client[Symbol.dispose]();
    await soon(answering.result());
  }
  await until(() => hub.size === before);
});

Deno.test("in one thread a connection stays what it is", async () => {
  using gate = new Gate();
  const [client, conn] = await gate.pair();
  using _client = client;
  const queue = new Queue<Deno.Conn>();
  await queue.put(conn);
  using got = await queue.get();
  assertEquals(got === conn, true);
});
