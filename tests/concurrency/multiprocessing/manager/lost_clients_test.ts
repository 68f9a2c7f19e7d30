/** What a program had that is killed comes back at once. */
import { assertEquals } from "@std/assert";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import { jobs, lock, permits, results } from "../../../fixtures/managers/test_manager.ts";
import { is_running } from "../../../fixtures/programs/processes.ts";
import { Program } from "../../../fixtures/programs/programs.ts";
import { soon, until } from "../../../fixtures/tools/waiting.ts";

const CLIENT = "tests/fixtures/managers/holding_client.ts";

Deno.test("a client is killed: its lock, its permit and its jobs go to others", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  for (const item of ["one", "two", "three"]) await jobs.put(item);
  await using client = new Program("run", "--allow-net=127.0.0.1", CLIENT, `${managing.port}`, KEY);
  assertEquals(await client.line(), "one two");
  const there = await other.get_jobs();
  const lock_there = await other.get_lock();
  const held = lock_there.hold();
  client.child.kill("SIGKILL");
  await client.status();
  {
    using hold = await soon(held);
    assertEquals(hold.abandoned, true);
    assertEquals(await lock.acquire(false), false);
  }
  const items: unknown[] = [];
  for (let count = 0; count < 3; count++) {
    using job = await soon(there.take());
    items.push([job.item, job.deliveries]);
    await job.done();
  }
  assertEquals(items, [["one", 2], ["two", 2], ["three", 1]]);
  await soon(jobs.join());
  // Nobody waits for a result any more.
  await results.put("a result");
  assertEquals(await results.get(), "a result");
  await results.task_done();
  await until(async () => await free_permits() === 3);
  assertEquals(managing.reports.toSorted(), [
    "1 permit of get_permits() came back: who had taken them was lost",
    `get_lock() was held by ${holder(managing.reports)}, which has ended: ` +
    "the next one has it, with hold.abandoned",
  ]);
});

Deno.test("the program is killed that started a manager: the process of that ends, too", async () => {
  const program = "tests/fixtures/managers/starting_program.ts";
  await using starter = new Program("run", "-A", program);
  const pid = Number(await starter.line());
  assertEquals(is_running(pid), true);
  starter.child.kill("SIGKILL");
  await starter.status();
  await until(() => !is_running(pid));
});

/** How many permits nobody has. */
async function free_permits(): Promise<number> {
  let count = 0;
  while (await permits.acquire(false)) count++;
  if (count > 0) await permits.release(count);
  return count;
}

/** Whom a report names. */
function holder(reports: string[]): string {
  const report = reports.find((report) => report.startsWith("get_lock()"));
  return /(the client 127\.0\.0\.1:\d+)/.exec(report ?? "")?.[0] ?? "";
}
