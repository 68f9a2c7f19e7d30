import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../../concurrency/futures/mod.ts";
import {
  Connection,
  EOFError,
  Event,
  Pipe,
  Process,
  Queue,
} from "../../../concurrency/multiprocessing/mod.ts";
import { Thread } from "../../../concurrency/threading/mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import * as tasks from "../../fixtures/tasks/pipe_tasks.ts";
import { Linked } from "../../fixtures/tools/linked.ts";
import { is_pending, LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const module = tasks.MODULE;

for (const [name, run] of Object.entries(tasks.PIPE_CASES)) {
  Deno.test(`Pipe: ${name}`, () => soon(run(...Pipe())));
}

Deno.test("Pipe(false): the first receives, the second sends (86)", async () => {
  const [reader, writer] = Pipe<number>(false);
  assertEquals([reader.readable, reader.writable], [true, false]);
  assertEquals([writer.readable, writer.writable], [false, true]);
  await assertRejects(() => reader.send(1), TypeError, "only receives");
  await assertRejects(() => writer.recv(), TypeError, "only sends");
  await assertRejects(() => writer.poll(), TypeError, "only sends");
  await writer.send(1);
  assertEquals(await reader.recv(), 1);
});

Deno.test("Pipe: using closes an end; a Connection is made by nothing else", async () => {
  const [one, other] = Pipe();
  {
    using _one = one;
    await one.send(1);
  }
  {
    await using _other = other;
    assertEquals(await other.recv(), 1);
    await assertRejects(() => other.recv(), EOFError);
  }
  assertEquals([one.closed, other.closed], [true, true]);
  assertThrows(() => new Connection(), TypeError, "Pipe()");
  assertEquals(Deno.inspect(one), "Connection {}");
});

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const way = Executor === ThreadPoolExecutor ? "thread" : "child";

  Deno.test(`Pipe: the same cases in a ${way}, with ends that are at home here`, async () => {
    await using executor = new Executor(1, { module });
    for (const name of Object.keys(tasks.PIPE_CASES)) {
      await soon(executor.submit(tasks.try_pipe_case, name, ...Pipe()).result());
    }
  });

  Deno.test(`Pipe: a talk with a ${way}; who sent an end closes it, and nothing happens`, async () => {
    await using executor = new Executor(1, { module });
    const [here, there] = Pipe();
    const echoing = executor.submit(tasks.echo, there);
    for (const message of [1, "two", { three: [3] }]) {
      await here.send(message);
      assertEquals(await soon(here.recv()), message);
    }
    assertEquals([here.closed, there.closed], [false, true]);
    there.close();
    await assertRejects(() => there.send(1), Deno.errors.BadResource);
    await here.send(4);
    assertEquals(await soon(here.recv()), 4);
    here.close();
    await soon(echoing.result());
  });

  Deno.test(`Pipe: its peer, a ${way}, is killed: EOF, and broken pipe (86, F12)`, async () => {
    await using executor = new Executor(1, { module });
    const [here, there] = Pipe();
    const lost = executor.submit(tasks.loop, there);
    assertEquals(await soon(here.recv()), "there");
    const waiting = [here.recv(), here.recv()];
    const polling = here.poll(null);
    assertEquals(await is_pending(waiting[0]!, 10), true);
    const ended = executor.terminate_workers();
    for (const each of waiting) await assertRejects(() => soon(each), EOFError);
    assertEquals(await soon(polling), true);
    await assertRejects(() => here.send(1), Deno.errors.BrokenPipe);
    await soon(Promise.all([lost.exception(), ended]));
  });

  Deno.test(`Pipe: made in a ${way} that ends: EOF here`, async () => {
    await using executor = new Executor(1, { module });
    const [ends, go] = [new Queue<Connection>(), new Event()];
    const lost = executor.submit(tasks.make_pipe, ends, go);
    const end = await soon(ends.get());
    assertEquals(await soon(end.recv()), "made here");
    const waiting = end.recv();
    await go.set();
    await assertRejects(() => soon(waiting), EOFError);
    await assertRejects(() => end.recv(), EOFError);
    await assertRejects(() => end.send(1), Deno.errors.BrokenPipe);
    assertEquals([end.closed, await end.poll()], [true, true]);
    await soon(lost.exception());
  });

  Deno.test(`Pipe: an end comes back from a ${way}, and is used here`, async () => {
    await using executor = new Executor(1, { module });
    const [ends, [here, there]] = [new Queue<Connection>(), Pipe()];
    const passing = executor.submit(tasks.pass_on, ends, there);
    const back = await soon(ends.get());
    assert(back === there);
    assertEquals(await soon(passing.result()), "BadResource");
    await back.send("third");
    assertEquals([await here.recv(), await here.recv(), back.closed], ["first", "third", false]);
    await executor.shutdown();
    assertEquals(await is_pending(here.recv(), 10), true);
    here.close();
    back.close();
  });

  Deno.test(`Pipe: from one ${way} to another through here; it ends with its last owner`, async () => {
    await using executor = new Executor(1, { module });
    await using other = new Executor(1, { module });
    const [made, ends] = [new Queue<Connection>(), new Queue<Connection>()];
    const [go, never] = [new Event(), new Event()];
    const making = other.submit(tasks.make_pipe, made, never);
    const first = await soon(made.get());
    assertEquals(await soon(first.recv()), "made here");
    const [here, there] = Pipe();
    const passing = executor.submit(tasks.pass_on, ends, there);
    assertEquals(await soon(passing.result()), "BadResource");
    const echoing = executor.submit(tasks.echo_from, ends);
    assertEquals(await soon(here.recv()), "first");
    await here.send(1);
    assertEquals(await soon(here.recv()), 1);
    await go.set();
    const waiting = here.recv();
    void executor.terminate_workers();
    await assertRejects(() => soon(waiting), EOFError);
    await soon(echoing.exception());
    void other.terminate_workers();
    await assertRejects(() => soon(first.recv()), EOFError);
    await soon(making.exception());
  });

  Deno.test(`Pipe: an end that was made in a ${way} goes on to another one, and ends with it`, async () => {
    await using maker = new Executor(1, { module });
    await using user = new Executor(1, { module });
    const [made, go] = [new Queue<Connection>(), new Event()];
    const making = maker.submit(tasks.make_relayed, made, go);
    const using_it = user.submit(tasks.stay, await soon(made.get()));
    await soon(go.wait());
    void user.terminate_workers();
    assertEquals(await soon(making.result()), "EOFError");
    await soon(using_it.exception());
  });

  Deno.test(`Pipe: a ${way} that never has the end leaves it to who sent it`, async () => {
    const [here, there] = Pipe();
    {
      await using executor = new Executor(1, { module });
      const first = executor.submit(tasks.stay, Pipe()[0]);
      const second = executor.submit(tasks.echo, there);
      assertEquals(second.cancel(), true);
      void executor.terminate_workers();
      await soon(Promise.allSettled([first]));
    }
    await there.send(1);
    assertEquals(await here.recv(), 1);
    there.close();
    await assertRejects(() => here.recv(), EOFError);
  });

  Deno.test(`Pipe: 2,000 messages each way keep their order, with a ${way}`, async () => {
    await using executor = new Executor(1, { module });
    const [here, there] = Pipe<{ n: number; bytes: Uint8Array }>();
    const echoing = executor.submit(tasks.echo as never, there as never);
    const sending = (async () => {
      for (let n = 0; n < 2000; n++) await here.send({ n, bytes: new Uint8Array(2000) });
    })();
    for (let n = 0; n < 2000; n++) assertEquals((await soon(here.recv(), LONG)).n, n);
    await sending;
    here.close();
    await soon(echoing);
  });
}

Deno.test("Pipe: a child that kills itself: what it had sent is read, then EOF (F12)", async () => {
  await using executor = new ProcessPoolExecutor(1, { module });
  const [here, there] = Pipe();
  const lost = executor.submit(tasks.kill_itself, there);
  assertEquals(await soon(here.recv()), "there");
  await assertRejects(() => soon(here.recv()), EOFError);
  await soon(lost.exception());
});

Deno.test("Pipe: to a Process and to a Thread, which talk to each other; a pipe that is over leaves nothing", async () => {
  const before = hub.size;
  const [here, there] = Pipe();
  const echoing = new Process({ target: tasks.echo, args: [there], module });
  await soon(echoing.start());
  there.close();
  const asking = new Thread({ target: tasks.ask_and_close, args: [here], module });
  await soon(asking.start());
  await soon(asking.join());
  await soon(echoing.join());
  assertEquals([echoing.exitcode, here.closed, there.closed], [0, true, true]);
  await until(() => hub.size === before);
});

Deno.test("Pipe: EOF where a Process cannot run what it should, or is ended while it starts", async () => {
  const [here, there] = Pipe();
  const nowhere = (_connection: Connection) => {};
  const lost = new Process({ target: nowhere, args: [there], module });
  await assertRejects(() => soon(lost.start()), TypeError, "nowhere");
  await assertRejects(() => soon(here.recv()), EOFError);
  const [mine, theirs] = Pipe();
  const ended = new Process({ target: tasks.echo, args: [theirs], module });
  const start = ended.start();
  theirs.close();
  ended.terminate();
  await soon(start);
  await assertRejects(() => soon(mine.recv()), EOFError);
  await soon(ended.join());
});

Deno.test("Pipe: an end that somebody does not want any more when it comes is not theirs", async () => {
  const linked = new Linked();
  const ends = new Queue<Connection>();
  const [here, there] = Pipe();
  const controller = new AbortController();
  const got = linked.stub_of(ends).get({ signal: controller.signal });
  linked.to_home.deliver();
  await ends.put(there);
  const refused = assertRejects(() => soon(got), RangeError, "enough");
  controller.abort(new RangeError("enough"));
  await linked.settle();
  await refused;
  assertEquals([there.closed, await ends.qsize()], [false, 1]);
  await there.send(1);
  assertEquals(await here.recv(), 1);
});

Deno.test("Pipe: who sent an end closes it while it is on its way: it stays open for who gets it", async () => {
  for (const is_lost of [false, true]) {
    const linked = new Linked();
    const ends = new Queue<Connection>();
    const [here, there] = Pipe();
    const got = linked.stub_of(ends).get();
    linked.to_home.deliver();
    await ends.put(there);
    there.close();
    assertEquals(await here.poll(), false);
    if (is_lost) {
      // Who would have got it has ended: it is nobody's.
      linked.home.closed();
      await assertRejects(() => soon(here.recv()), EOFError);
      linked.away.closed();
      await assertRejects(() => soon(got), Deno.errors.BadResource);
    } else {
      await linked.settle();
      const end = await soon(got);
      void end.send("mine");
      await linked.settle();
      assertEquals(await soon(here.recv()), "mine");
    }
  }
});

Deno.test("Pipe: messages that nobody wants any more when they come are the next ones, in their order", async () => {
  const linked = new Linked();
  const ends = new Queue<Connection>();
  const [here, there] = Pipe();
  await ends.put(there);
  const getting = linked.stub_of(ends).get();
  await linked.settle();
  const end = await soon(getting);
  const controllers = [new AbortController(), new AbortController()];
  const refused = controllers.map(({ signal }) =>
    assertRejects(() => soon(end.recv({ signal })), RangeError, "enough")
  );
  const received = [end.recv(), end.recv()];
  linked.to_home.deliver();
  for (const message of ["first", "second"]) await here.send(message);
  // The second comes back before the first.
  for (const controller of controllers.toReversed()) controller.abort(new RangeError("enough"));
  await linked.settle();
  await Promise.all(refused);
  assertEquals(await soon(Promise.all(received)), ["first", "second"]);
});

Deno.test("Pipe: for await ends with the error of an end that is closed meanwhile", async () => {
  const [one, other] = Pipe<unknown>();
  const items: unknown[] = [];
  const reading = assertRejects(async () => {
    for await (const item of one) items.push(item);
  }, Deno.errors.BadResource);
  await other.send(new Set([1]));
  await until(() => items.length === 1);
  one.close();
  await soon(reading);
  assertEquals(items, [new Set([1])]);
});
