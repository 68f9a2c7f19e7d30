/** The example of a master and its workers, in as many processes. */
import { assert, assertEquals } from "@std/assert";
import { Program } from "../fixtures/programs/programs.ts";

/** Programs are started with the key that the test has. */
Deno.env.set("AUTHKEY", "a secret of the tests");

function start(name: "master" | "worker", ...args: string[]): Program {
  const flags = ["--allow-net=127.0.0.1", "--allow-env=AUTHKEY"];
  return new Program("run", ...flags, `examples/distributed/${name}.ts`, ...args);
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

Deno.test("a worker is killed with tasks in hand: another one does them, and all results arrive", async () => {
  await using master = start("master", "--port", "0", "--tasks", "12");
  const port = await port_of(master);
  await using lost = start("worker", "--port", port, "--lanes", "3", "--pause", "600000");
  for (const number of [1, 2, 3]) assertEquals(await lost.line(), `Task ${number}`);
  await using worker = start("worker", "--port", port, "--pause", "10");
  assertEquals(await worker.line(), "Task 4");
  lost.child.kill("SIGKILL");
  assertEquals((await lost.status()).signal, "SIGKILL");

  const lines = await lines_to(master, "All are done");
  assertEquals(lines.length, 13);
  const numbers = lines.slice(0, 12).map((line) => Number(/: (\d+) \*/.exec(line)![1]));
  assertEquals(numbers.toSorted((a, b) => a - b), Array.from({ length: 12 }, (_, at) => at + 1));
  assertEquals(lines[12], "All are done; 3 of them were delivered more than once");
  await lines_to(worker, "There are no more tasks");
  await worker.ends_well();
  assertEquals((await master.status()).code, 0);
});

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
  Deno.env.set("AUTHKEY", "another");
  await using stranger = start("worker", "--port", port);
  Deno.env.set("AUTHKEY", "a secret of the tests");
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
