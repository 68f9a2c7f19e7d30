/** Threads and the program that they are in: when it ends, and that nothing they do ends it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ending_of, output_of } from "../../fixtures/programs/programs.ts";

/** The command of a program. */
function run(name: string, ...args: string[]): string[] {
  const path = fileURLToPath(new URL(`../../fixtures/programs/${name}`, import.meta.url));
  return ["run", "-A", path, ...args];
}

const PRINTED = {
  "not daemon": "end\nlate\n",
  "not awaited": "end\nlate\n",
  "nested": "end\nlate\n",
  "daemon": "end\n",
  "joined daemon": "late\nend\n",
  "late daemon": "end\nlate\njoined\n",
  "not daemon, async": "end\nlate\n",
  "daemon, async": "end\n",
};

for (const [name, printed] of Object.entries(PRINTED)) {
  Deno.test(`a program with a thread ends as it should: ${name}`, async () => {
    assertEquals(await output_of(Deno.execPath(), run("thread_program.ts", name)), printed);
  });
}

Deno.test("what a thread throws is printed with its name, and the program goes on", async () => {
  const command = run("thread_program.ts", "failing");
  const { code, output, errors } = await ending_of(Deno.execPath(), command);
  assertEquals([code, output], [0, "goes on\nend\n"]);
  assertStringIncludes(errors, "Exception in failing: RangeError: wrong\n");
});

Deno.test({
  name: "threads that there are too few descriptors for are refused, the others run",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const command = ["-c", 'ulimit -n 100; exec "$0" "$@"', Deno.execPath()];
    const args = [...command, ...run("thread_program.ts", "many")];
    assertEquals(await output_of("sh", args), "true\ntrue\nend\n");
  },
});

Deno.test("a program that starts threads wherever it is imported says what to write", async () => {
  const { code, output } = await ending_of(Deno.execPath(), run("unguarded_threads.ts"));
  assertEquals(code, 1);
  assertStringIncludes(output, "A thread is started while a worker imports this module");
  assertStringIncludes(output, "import.meta.main");
});

Deno.test("a thread whose module may not be read says what to allow", async () => {
  const command = run("thread_program.ts", "not daemon").toSpliced(1, 1);
  const { code, errors } = await ending_of(Deno.execPath(), command.toSpliced(1, 0, "--no-prompt"));
  assertEquals(code, 1);
  assertStringIncludes(errors, "Workers cannot read the modules that they need: add --allow-read=");
});

Deno.test({
  name: "threads that are terminated while they start, load modules, wait or compute all end",
  ignore: Deno.build.os !== "linux",
  async fn() {
    assertEquals(await output_of(Deno.execPath(), run("kill_threads.ts", "10")), "0\n");
  },
});
