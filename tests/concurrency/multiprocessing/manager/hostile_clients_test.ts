/** Clients that have the key, and mean ill: the others go on. */
import { assert, assertEquals } from "@std/assert";
import { RawManagerClient } from "../../../fixtures/clients/raw_manager_client.ts";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import { Program } from "../../../fixtures/programs/programs.ts";
import { soon } from "../../../fixtures/tools/waiting.ts";

/** How a link says: call a method; it was answered; withdraw an object. */
const [CALL, ANSWER, WITHDRAW] = [0, 3, 7];

Deno.test("what clients call is withdrawn by one of them: only that one has lost it", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  await client.tell([WITHDRAW, root.mine]);
  await client.tell([CALL, 1, root.mine, "call", 0, ["echo", [1]], null]);
  assertEquals((await soon(client.told())).slice(0, 2), [6, root.mine]);
  assertEquals((await soon(client.told())).slice(0, 3), [ANSWER, 1, 2]);
  assertEquals(await other.echo("still here"), "still here");
  await using next = await managing.connect();
  assertEquals(await next.echo("still here"), "still here");
});

Deno.test("a client waits, wanting no answer, and is gone: it gets nothing", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const jobs = await other.get_jobs();
  const lock = await other.get_lock();
  using hold = await lock.hold();
  {
    const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
    using _client = client;
    await client.tell([CALL, 1, root.mine, "call", 0, ["get_jobs", []], null]);
    const its_jobs = await soon(client.given());
    await client.tell([CALL, 2, root.mine, "call", 0, ["get_lock", []], null]);
    const its_lock = await soon(client.given());
    await client.tell([CALL, 0, its_jobs, "take", 0, [null], null]);
    await client.tell([CALL, 0, its_jobs, "get", 0, [null], null]);
    await client.tell([CALL, 0, its_lock, "lease", 0, [null, false], null]);
    await client.tell([CALL, 3, root.mine, "call", 0, ["echo", [1]], null]);
    await soon(client.told());
  }
  await managing.is_left(1);
  hold[Symbol.dispose]();
  await jobs.put("for who is there");
  using job = await soon(jobs.take());
  assertEquals(job.item, "for who is there");
  await job.done();
  assertEquals(await lock.acquire({ timeout: 1000 }), true);
  await lock.release();
});

Deno.test("memory that a client says that its numbers have is not made here", async () => {
  await using managing = new Managing();
  const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  const value = {
    mine: 7,
    kind: { file: "concurrency/multiprocessing/value.ts", name: "Value" },
    described: { memory: 2 ** 50 },
    fixed: { value: { code: "d", length: 1, lock: null } },
  };
  await client.tell([CALL, 1, root.mine, "call", 0, ["echo", [null]], [[[1, 0], value]]]);
  assertEquals((await soon(client.told())).slice(0, 3), [ANSWER, 1, 0]);
});

Deno.test("a message with 1000 calls that give much, of which nothing is read: the rest waits", async () => {
  const file = "tests/fixtures/programs/unread_answers.ts";
  await using program = new Program("run", "-A", "--no-check", file);
  const grown = Number(await program.line());
  assert(grown < 300, `The memory grew by ${grown} MiB`);
  await program.ends_well();
});

Deno.test("odd numbers of permits are refused where a semaphore is at home", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const permits = await other.get_permits();
  const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
  using _client = client;
  await client.tell([CALL, 1, root.mine, "call", 0, ["get_permits", []], null]);
  const its_permits = await soon(client.given());
  const nan = [[[0], { plain: "NaN" }]];
  for (const [count, passengers] of [[-1e308, null], ["5", null], [0.5, null], [null, nan]]) {
    await client.tell([CALL, 2, its_permits, "release", 0, [count], passengers]);
    assertEquals((await soon(client.told())).slice(0, 3), [ANSWER, 2, 2]);
  }
  assertEquals(await permits.acquire(false), true);
  await permits.release();
});
