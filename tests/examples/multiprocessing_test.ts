/** The examples in `examples/multiprocessing/`, which run to their ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { commands_of, ending_of, is_there } from "../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const is_linux = Deno.build.os === "linux";

/** What an example prints, by the first command of its head comment that is for this system. */
async function lines_of(example: string): Promise<string[]> {
  const [run, elsewhere] = commands_of(`multiprocessing/${example}`);
  const args = ["task", "--quiet", "--eval", (is_linux ? run : elsewhere)!];
  const { code, output, errors } = await ending_of(Deno.execPath(), args, { cwd: ROOT });
  assertEquals({ code, errors }, { code: 0, errors: "" });
  return output.trimEnd().split("\n");
}

/** A test of an example, which needs `deno` on the PATH. */
function test(name: string, fn: () => Promise<void>, is_for_linux = false): void {
  Deno.test({ name, ignore: !is_there("deno") || (is_for_linux && !is_linux), fn });
}

test("parent_and_child.ts: the child knows its parent", async () => {
  const [parent, child, end] = await lines_of("parent_and_child.ts");
  const [, pid] = /^I am the parent, process (\d+)$/.exec(parent!)!;
  const [, own] = /^I am the child, process (\d+), a child of \d+ \(MainProcess\)$/.exec(child!)!;
  assert(child!.includes(`a child of ${pid} `), child);
  assertEquals(end, `Process ${own} has ended with exit code 0`);
});

test("writer_and_reader.ts: all that is written is read, and the reader terminated", async () => {
  const lines = await lines_of("writer_and_reader.ts");
  assertEquals(lines.slice(-2), ["writer: 0", "reader: -15"]);
  const done = lines.slice(0, -2).map((line) => /^Process (\d+) (\w+) (\w)$/.exec(line)!);
  for (const what of ["writes", "reads"]) {
    const own = done.filter(([, , verb]) => verb === what);
    assertEquals(own.map(([, , , letter]) => letter), ["A", "B", "C"]);
    assertEquals(new Set(own.map(([, pid]) => pid)).size, 1);
  }
});

test("two_counters.ts: one thread, two threads and two processes count", async () => {
  const lines = await lines_of("two_counters.ts");
  for (const [at, what] of ["one thread", "two threads", "two processes"].entries()) {
    assertMatch(lines[at]!, new RegExp(`^${what}: \\d+\\.\\d million$`));
  }
  assertEquals(lines.length, 3);
});

test("server_processes.ts: six clients at once, in at most two processes", async () => {
  const lines = await lines_of("server_processes.ts");
  assertEquals(lines.pop(), "exit codes: 0 0");
  const served = lines.map((line) => /^Received: process (\d+), client (\d): (.+)$/.exec(line)!);
  assertEquals(
    served.map(([, , , text]) => text).toSorted(),
    [1, 2, 3, 4, 5, 6].map((number) => `Hello World ${number}`),
  );
  const clients = Map.groupBy(served, ([, pid]) => pid);
  assert(clients.size <= 2, `${clients.size} processes`);
  for (const own of clients.values()) {
    const numbers = own.map(([, , number]) => Number(number)).toSorted((one, two) => one - two);
    assertEquals(numbers, own.map((_, at) => at + 1));
  }
}, true);

test("pipe.ts: a question, an answer, and the end", async () => {
  assertEquals(await lines_of("pipe.ts"), [
    "The other one says: Deno Deno Deno",
    "The other one says: Python Python Python",
    "Nobody asks any more",
  ]);
});

test("shared_counter.ts: no step is lost", async () => {
  assertEquals(await lines_of("shared_counter.ts"), ["With the lock: 4000; by add(): 4000"]);
});
