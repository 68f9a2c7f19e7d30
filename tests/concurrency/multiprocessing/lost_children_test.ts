/** Children of a pool that die: Python's waits for ever then. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Pool, Queue, WorkerDied } from "../../../concurrency/multiprocessing/mod.ts";
import { all_gone } from "../../fixtures/programs/processes.ts";
import { pool_in_pool } from "../../fixtures/tasks/pool_in_pool.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;
const range = (count: number) => [...Array(count).keys()];

/** The numbers in a file, in order. */
function noted(file: string): number[] {
  return Deno.readTextFileSync(file).trim().split("\n").map(Number).sort((a, b) => a - b);
}

/** What a result rejects with: it names the signal. */
async function killed(result: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => soon(result));
  assertInstanceOf(error, WorkerDied);
  assertEquals([error.exitcode, error.signal], [null, "SIGKILL"]);
  assert(error.message.includes("SIGKILL"), error.message);
}

Deno.test("Pool.map: a child that is killed makes it fail, and the pool can be closed and joined", async () => {
  const pool = new Pool(2, { module });
  using pids = new Queue<number>();
  const mapped = pool.map(tasks.tell_and_compute, range(8).map((n) => [pids, n === 0 ? 1e6 : 1]));
  const children = new Set<number>();
  for (let n = 0; n < 8; n++) children.add(await soon(pids.get()));
  for (const pid of children) Deno.kill(pid, "SIGKILL");
  await killed(mapped);
  pool.close();
  await soon(pool.join());
  await all_gone([...children]);
});

Deno.test("Pool.map: all other chunks ran, each once, and the pool lives on", async () => {
  await using folder = await TempFolder.make();
  const file = folder.join("noted");
  await using pool = new Pool(2, { module });
  const items = range(12).map((n) => [file, n, n === 4] as const);
  await killed(pool.map(tasks.note_or_die, items, 2));
  // 5 is in the chunk of 4, and was not called.
  assertEquals(noted(file), range(12).filter((n) => n !== 5));
  assertEquals(await soon(pool.map(tasks.double, range(5))), [0, 2, 4, 6, 8]);
});

Deno.test("Pool: each task that kills its child is lost alone", async () => {
  await using folder = await TempFolder.make();
  const file = folder.join("noted");
  await using pool = new Pool(2, { module });
  const results = range(20).map((n) =>
    pool.apply_async(tasks.note_or_die, [[file, n, n % 7 === 3]])
  );
  for (const [n, result] of results.entries()) {
    if (n % 7 === 3) await killed(result.get());
    else assertEquals(await soon(result.get()), n);
  }
  assertEquals(noted(file), range(20));
});

for (const method of ["imap", "imap_unordered"] as const) {
  Deno.test(`Pool.${method}: the error of a lost child, and all other results`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("noted");
    await using pool = new Pool(2, { module });
    const results = pool[method](tasks.note_or_die, range(20).map((n) => [file, n, n === 9]));
    const given: unknown[] = [];
    for (let n = 0; n < 20; n++) {
      const next = results.next();
      const outcome = await soon(Promise.allSettled([next]));
      given.push(outcome[0].status === "fulfilled" ? outcome[0].value.value : 9);
      if (outcome[0].status === "rejected") await killed(next);
    }
    if (method === "imap_unordered") given.sort((a, b) => Number(a) - Number(b));
    assertEquals(given, range(20));
    assertEquals((await soon(results.next())).done, true);
  });
}

Deno.test("Pool: terminate() and join() after a kill leave no child", async () => {
  const pool = new Pool(2, { module });
  using pids = new Queue<number>();
  const looping = range(2).map(() => pool.apply_async(tasks.tell_and_compute, [[pids, 1e6]]));
  const children = [await soon(pids.get()), await soon(pids.get())];
  Deno.kill(children[0]!, "SIGKILL");
  await soon(pool.terminate());
  await soon(pool.join());
  for (const result of looping) await assertRejects(() => soon(result.get()), WorkerDied);
  await all_gone(children);
});

const place = new URL("../../fixtures/tasks/pool_in_pool.ts", import.meta.url).href;

for (const how of ["terminate()", "a kill"]) {
  Deno.test(`Pool: ${how} leaves no child of a child, which loops`, async () => {
    await using pool = new Pool(1, { module: place });
    using pids = new Queue<number>();
    const result = pool.apply_async(pool_in_pool, [pids]);
    const family = [await soon(pids.get()), await soon(pids.get())];
    if (how === "a kill") Deno.kill(family[0]!, "SIGKILL");
    else await soon(pool.terminate());
    await assertRejects(() => soon(result.get()), WorkerDied);
    await all_gone(family);
  });
}
