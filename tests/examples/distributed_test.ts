/** The example of a master and its workers, in as many processes. */
import { assert, assertEquals } from "@std/assert";
import { HAS_REDIS, RedisServer } from "../../packages/redis/tests/fixtures/redis_server.ts";
import { Program } from "../fixtures/programs/programs.ts";

const FLAGS = ["--allow-net=127.0.0.1", "--allow-env=AUTHKEY"];

/** A program that has the key. */
class Member extends Program {
  protected override variables(): Record<string, string> {
    return { AUTHKEY: "a secret of the tests" };
  }
}

/** One that has another key. */
class Stranger extends Program {
  protected override variables(): Record<string, string> {
    return { AUTHKEY: "another" };
  }
}

function start(name: "master" | "worker", ...args: string[]): Program {
  return new Member("run", ...FLAGS, `examples/distributed/${name}.ts`, ...args);
}

/** The port that a master tells. */
async function port_of(master: Program): Promise<string> {
  const line = await master.line();
  assert(line.startsWith("The master listens on 127.0.0.1:"), line);
  return line.split(":").at(-1)!;
}

/** The lines of a program up to one that starts so. */
async function lines_to(program: Program, start: string): Promise<string[]> {
  const lines: string[] = [];
  do lines.push(await program.line()); while (!lines.at(-1)!.startsWith(start));
  return lines;
}

/** The numbers whose squares the master has told, of which so many were delivered twice. */
function numbers_in(lines: string[], again: number): number[] {
  const results = lines.slice(0, -1);
  assertEquals(
    lines.at(-1),
    `All are done; ${again} of them were delivered more than once`,
  );
  assertEquals(results.filter((line) => line.endsWith(", delivered 2 times")).length, again);
  return results.map((line) => Number(/: (\d+) \*/.exec(line)![1])).toSorted((a, b) => a - b);
}

function from_1_to(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

Deno.test("a worker is killed with tasks in hand: another one does them, and all results arrive", async () => {
  await using master = start("master", "--port", "0", "--tasks", "12");
  const port = await port_of(master);
  await using lost = start("worker", "--port", port, "--lanes", "3", "--pause", "600000");
  for (const number of [1, 2, 3]) assertEquals(await lost.line(), `Task ${number}`);
  await using worker = start("worker", "--port", port, "--pause", "10");
  assertEquals(await worker.line(), "Task 4");
  lost.child.kill("SIGKILL");
  assertEquals((await lost.status()).signal, "SIGKILL");

  assertEquals(numbers_in(await lines_to(master, "All are done"), 3), from_1_to(12));
  await lines_to(worker, "There are no more tasks");
  await worker.ends_well();
  assertEquals((await master.status()).code, 0);
});

Deno.test(
  "in Redis: a worker is killed with tasks in hand: all results arrive, also for the next master",
  {
    ignore: !HAS_REDIS,
  },
  async () => {
    await using redis = await RedisServer.start();
    const start_with_redis = (name: string, ...args: string[]) => {
      const where = redis.path;
      const flags = [
        "--no-prompt",
        "--allow-net",
        `--allow-read=${where}`,
        `--allow-write=${where}`,
      ];
      const common = ["--redis", redis.url, "--visibility", "2000"];
      return new Program("run", ...flags, `examples/distributed/${name}.ts`, ...common, ...args);
    };
    await using master = start_with_redis("master", "--tasks", "12");
    assertEquals(await master.line(), `The master uses ${redis.url}`);
    await using lost = start_with_redis("worker", "--lanes", "3", "--pause", "600000");
    const taken = [await lost.line(), await lost.line(), await lost.line()];
    assertEquals(taken.toSorted(), ["Task 1", "Task 2", "Task 3"]);
    await using worker = start_with_redis("worker", "--pause", "10");
    await worker.line();
    lost.child.kill("SIGKILL");
    assertEquals((await lost.status()).signal, "SIGKILL");

    assertEquals(numbers_in(await lines_to(master, "All are done"), 3), from_1_to(12));
    await lines_to(worker, "There are no more tasks");
    await worker.ends_well();
    await master.ends_well();

    await using next = start_with_redis("master", "--tasks", "2");
    assertEquals(await next.line(), `The master uses ${redis.url}`);
    await using other = start_with_redis("worker", "--pause", "0");
    assertEquals(numbers_in(await lines_to(next, "All are done"), 0), from_1_to(2));
    await next.ends_well();
    await other.ends_well();
  },
);

Deno.test("the master is killed: its workers do not hang, and work for the next one", async () => {
  await using master = start("master", "--port", "0", "--tasks", "5");
  const port = await port_of(master);
  await using worker = start("worker", "--port", port, "--lanes", "2", "--pause", "50");
  await worker.line();
  master.child.kill("SIGKILL");
  await master.status();
  await lines_to(worker, "The master is gone");
  await using next = start("master", "--port", port, "--tasks", "4");
  await port_of(next);
  assertEquals((await lines_to(next, "All are done")).length, 5);
  await lines_to(worker, "There are no more tasks");
  await worker.ends_well();
  assertEquals((await next.status()).code, 0);
});

Deno.test("another key: the worker says so, and the master goes on", async () => {
  await using master = start("master", "--port", "0", "--tasks", "1");
  const port = await port_of(master);
  const file = "examples/distributed/worker.ts";
  await using stranger = new Stranger("run", ...FLAGS, file, "--port", port);
  assertEquals((await stranger.status()).code, 1);
  assertEquals(
    await stranger.errors(),
    `The other side has another authkey: 127.0.0.1:${port}\n`,
  );
  await using worker = start("worker", "--port", port, "--pause", "0");
  await lines_to(master, "All are done");
  await worker.ends_well();
  assertEquals((await master.status()).code, 0);
});
