/** What becomes of items whose consumers die, or do not answer. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Program } from "../../../tests/fixtures/programs/programs.ts";
import { Random } from "../../../tests/fixtures/tools/random.ts";
import { is_pending, LONG, soon, until } from "../../../tests/fixtures/tools/waiting.ts";
import { redis_test } from "./fixtures/with_redis.ts";

const WORKER = fileURLToPath(new URL("fixtures/worker.ts", import.meta.url));

/** Short, so that tests are: in ms. */
const VISIBILITY = 400;

redis_test(
  "workers are killed at random: each job is done, and twice only if it says so",
  async (bench) => {
    const random = new Random(5);
    const jobs = bench.queue<number>({ visibility: VISIBILITY });
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    await Promise.all(numbers.map((number) => jobs.put(number)));
    /** The deliveries of each job, as they were seen. */
    const deliveries = new Map<number, number[]>();
    const done = new Set<number>();
    let lines = 0;

    function note(line: string): void {
      const [what, number, count] = line.split(" ");
      lines++;
      if (what === "done") done.add(Number(number));
      else deliveries.set(Number(number), [...deliveries.get(Number(number)) ?? [], Number(count)]);
    }

    /** Runs a worker until it is killed, at a line of its own or when all is done. */
    async function work(): Promise<void> {
      let lives = random.below(60) + 5;
      await using worker = new Program(
        "run",
        "-A",
        WORKER,
        bench.redis.url,
        "jobs",
        `${VISIBILITY}`,
      );
      const kill = () => worker.child.kill("SIGKILL");
      finished.then(kill).catch(() => {});
      try {
        for (;;) {
          note(await worker.line(LONG));
          if (--lives === 0 && kills_left-- > 0) kill();
        }
      } catch {
        // It has ended, and all that it said was read.
      }
      await worker.status();
      if (!is_finished) await work();
    }

    let kills_left = 8;
    let is_finished = false;
    const finished = jobs.join().then(() => is_finished = true);
    await Promise.all([work(), work(), work()]);
    assertEquals(done, new Set(numbers));
    assert(lines > 800, "no job was delivered twice");
    for (const [number, counts] of deliveries) {
      const rising = counts.every((count, i) => i === 0 || count > counts[i - 1]!);
      assert(rising, `${number} was delivered as ${counts}`);
    }
  },
);

redis_test("a long job is nobody else's while its holder lives", async (bench) => {
  const [jobs, other] = [bench.queue({ visibility: 100 }), bench.queue({ visibility: 100 })];
  await jobs.put("long");
  const job = await jobs.take();
  const waiting = other.take();
  assert(await is_pending(waiting, 600));
  await job.done();
  await jobs.join();
  await jobs.put("next");
  assertEquals([(await soon(waiting)).item, bench.reports], ["next", []]);
});

redis_test("thousands of jobs are held at once", async (bench) => {
  const [jobs, other] = [bench.queue({ visibility: 2000 }), bench.queue({ visibility: 2000 })];
  const numbers = Array.from({ length: 5000 }, (_, number) => number);
  await Promise.all(numbers.map((number) => jobs.put(number)));
  const held = await Promise.all(numbers.map(() => jobs.take()));
  const waiting = other.take();
  assert(await is_pending(waiting, 4500));
  assertEquals(bench.reports, []);
  await Promise.all(held.map((job) => job.done()));
  await other.join();
  await jobs.put("last");
  assertEquals((await soon(waiting)).item, "last");
});

redis_test(
  "who gives no sign of life loses its job, and cannot say that it is done",
  async (bench) => {
    const [jobs, other] = [bench.queue({ visibility: 200 }), bench.queue({ visibility: 200 })];
    await jobs.put("stuck");
    const job = await jobs.take();
    const waiting = other.take();
    // As if its loop had stood still for long.
    const group = ["socketserver:jobs", "workers"];
    await bench.redis.ask("XCLAIM", ...group, "gone", "0", job.id, "JUSTID");
    const again = await soon(waiting);
    assertEquals([again.item, again.deliveries], ["stuck", 2]);
    await job.done();
    assertEquals(await bench.redis.ask("XLEN", "socketserver:jobs"), ":1");
    await again.done();
    assertEquals(await bench.redis.ask("XLEN", "socketserver:jobs"), ":0");
  },
);

redis_test(
  "what was got by a program that was killed counts as done, and is reported",
  async (bench) => {
    const jobs = bench.queue({ visibility: VISIBILITY });
    await jobs.put(1);
    const program = `
    import { RedisQueue } from ${JSON.stringify(new URL("../mod.ts", import.meta.url).href)};
    const jobs = new RedisQueue("jobs", { url: ${
      JSON.stringify(bench.redis.url)
    }, visibility: ${VISIBILITY} });
    console.log(await jobs.get());
    await new Promise(() => {});
  `;
    await using getter = new Program("eval", program);
    assertEquals(await getter.line(LONG), "1");
    const joining = jobs.join();
    const waiting = jobs.take();
    assert(await is_pending(joining, 2 * VISIBILITY));
    getter.child.kill("SIGKILL");
    await getter.status();
    await soon(joining);
    assertEquals(bench.reports, [
      "1 item of jobs may be lost with who got them, and count as done: take() brings such items back",
    ]);
    await jobs.put(2);
    await (await waiting).done();
  },
);

redis_test("the clock of Redis was set back: lost jobs come back all the same", async (bench) => {
  const jobs = bench.queue({ visibility: 200 });
  await jobs.put("lost");
  const { id } = await jobs.take();
  // As if it had been a year later.
  const later = `${Date.now() + 365 * 86_400_000}`;
  const state = "socketserver:jobs:state";
  await bench.redis.ask(
    "HSET",
    state,
    "swept",
    later,
    "until:dead",
    later,
    "got:dead",
    "1",
    "got",
    "1",
  );
  await bench.redis.ask("XCLAIM", "socketserver:jobs", "workers", "gone", "0", id, "JUSTID");
  const again = await soon(jobs.take());
  assertEquals([again.item, again.deliveries], ["lost", 2]);
  await again.done();
  await soon(jobs.join());
});

redis_test("the clock of Redis was set forward: who lives keeps its job", async (bench) => {
  const [key, group, state] = ["socketserver:jobs", "workers", "socketserver:jobs:state"];
  const jobs = bench.queue({ visibility: 400 });
  await jobs.put("held");
  const { id } = await jobs.take();
  // As if all had been long ago.
  await bench.redis.ask("HSET", state, "swept", "1");
  await bench.redis.ask("XCLAIM", key, group, "alive", "0", id, "IDLE", "9999999", "JUSTID");
  await until(async () => !(await bench.redis.ask("HGET", state, "swept")).endsWith("\n1"));
  assert((await bench.redis.ask("XPENDING", key, group)).includes("alive"));
  assertEquals((await soon(jobs.take())).deliveries, 2);
});

redis_test(
  "a machine whose connection is cut all the time keeps no lost job from coming back",
  async (bench) => {
    const jobs = bench.queue({ visibility: 1500 });
    await jobs.put("lost");
    const { id } = await jobs.take();
    await bench.redis.ask("XCLAIM", "socketserver:jobs", "workers", "gone", "0", id, "JUSTID");
    await bench.redis.ask("ACL", "SETUSER", "unlucky", "on", "nopass", "~*", "+@all");
    const url = `unix://unlucky:any@${bench.redis.path}`;
    const unlucky = bench.queue({ url, visibility: 1500 });
    let is_back = false;
    const back = jobs.take().finally(() => is_back = true);
    await until(async () => {
      await unlucky.qsize();
      await bench.redis.ask("CLIENT", "KILL", "USER", "unlucky");
      return is_back;
    });
    assertEquals((await back).deliveries, 2);
  },
);

redis_test("an item that kills its workers goes to the dead letters", async (bench) => {
  const jobs = bench.queue({ visibility: 100, max_deliveries: 2 });
  await jobs.put("deadly");
  for (const _ of [1, 2]) {
    const job = await jobs.take();
    await bench.redis.ask("XCLAIM", "socketserver:jobs", "workers", "gone", "0", job.id, "JUSTID");
  }
  await jobs.join();
  assertEquals(await bench.redis.ask("XLEN", "socketserver:jobs:dead"), ":1");
  await until(() => bench.reports.some((report) => report.includes("came back 2 times")));
  assert(bench.reports.some((report) => report.includes("went to another consumer")));
});

redis_test(
  "consumers that are gone are forgotten, and entries of those who only acknowledge",
  async (bench) => {
    const ask = (...words: string[]) => bench.redis.ask(...words);
    const [key, group] = ["socketserver:jobs", "workers"];
    const jobs = bench.queue({ visibility: 50 });
    for (let item = 0; item < 10; item++) await jobs.put(item);
    const read = await ask(
      "XREADGROUP",
      "GROUP",
      group,
      "foreign",
      "COUNT",
      "9",
      "STREAMS",
      key,
      ">",
    );
    for (const [id] of read.matchAll(/\d+-\d+/g)) await ask("XACK", key, group, id);
    const waiting = (async () => {
      await (await jobs.take()).done();
      await jobs.take();
    })();
    waiting.catch(() => {});
    await until(async () => await ask("XLEN", key) === ":0");
    await jobs.join();
    await until(async () => !(await ask("XINFO", "CONSUMERS", key, group)).includes("foreign"));
  },
);
