/** Processes and the program that they are in: when it ends, what they may do, and what is left when it is killed. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { all_ended } from "../../fixtures/programs/processes.ts";
import { ending_of, GroupProgram, output_of, Program } from "../../fixtures/programs/programs.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const is_linux = Deno.build.os === "linux";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = `${ROOT}tests/fixtures/programs/process_program.ts`;

/** The command of a program with all permissions. */
function run(...args: string[]): string[] {
  return ["run", "-A", PROGRAM, ...args];
}

/** The same with no more than it needs. */
function run_with(permissions: string[], name: string): string[] {
  return ["run", "--no-prompt", ...permissions, PROGRAM, name];
}

const DENO = `--allow-run=${Deno.execPath()}`;
const LEAST = [`--allow-read=${ROOT}`, DENO];

const PRINTED = {
  "not daemon": "end\nlate\n",
  "not awaited": "end\nlate\n",
  "nested": "end\nlate\n",
  "joined daemon": "late\nend\n",
};

for (const [name, printed] of Object.entries(PRINTED)) {
  Deno.test(`a program with a process ends as it should: ${name}`, async () => {
    assertEquals(await output_of(Deno.execPath(), run(name)), printed);
  });
}

Deno.test({
  name: "a program ends although a daemon computes, which ends with it",
  ignore: !is_linux,
  async fn() {
    const output = await output_of(Deno.execPath(), run("daemon"));
    const [, pid] = /^(\d+)\nend\n$/.exec(output)!;
    await soon(all_ended([Number(pid)]));
  },
});

for (const [name, exitcode] of [["exiting", 3], ["throwing", 1]] as const) {
  Deno.test({
    name: `nothing is left of a program that ends early: ${name}`,
    ignore: !is_linux,
    async fn() {
      await using program = new Program(...run(name));
      const pids = (await program.line()).split(" ").map(Number);
      assertEquals(pids.length, 4);
      assertEquals((await program.status()).code, exitcode);
      await soon(all_ended(pids));
    },
  });
}

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name:
      `nothing is left of a program that is ended by ${signal}: not what waits, computes, or is nested`,
    ignore: !is_linux,
    async fn() {
      await using program = new Program(...run("endless"));
      const pids = (await program.line()).split(" ").map(Number);
      assertEquals([pids.length, await program.line()], [4, "end"]);
      program.child.kill(signal);
      assertEquals((await program.status()).signal, signal);
      await soon(all_ended(pids));
    },
  });
}

Deno.test({
  name: "Ctrl-C, which reaches the whole group, leaves nothing either",
  ignore: !is_linux,
  async fn() {
    await using program = new GroupProgram(...run("endless"));
    const pids = (await program.line()).split(" ").map(Number);
    program.kill_all("SIGINT");
    assertEquals((await program.status()).signal, "SIGINT");
    await soon(all_ended(pids));
  },
});

Deno.test("what a process throws is printed once with its name, and the program goes on", async () => {
  const { code, output, errors } = await ending_of(Deno.execPath(), run("failing"));
  assertEquals([code, output], [0, "1\nend\n"]);
  assert(errors.startsWith("Exception in it: RangeError: wrong\n"), errors);
  assertEquals(errors.split("RangeError").length, 2);
});

Deno.test("what a process prints goes where the program's own goes", async () => {
  const { code, output, errors } = await ending_of(Deno.execPath(), run("printing"));
  assertEquals([code, output, errors], [0, "printed\n0\nend\n", "complained\n"]);
});

Deno.test({
  name: "a process has the permissions of the program, and not the one to run deno",
  ignore: !is_linux,
  async fn() {
    const least = run_with(LEAST, "permissions");
    assertEquals(await output_of(Deno.execPath(), least), "\n0\nend\n");
    const more = run_with(["--allow-env", "--allow-net", "--allow-read", DENO], "permissions");
    assertEquals(await output_of(Deno.execPath(), more), "env net read\n0\nend\n");
    const nested = await output_of(Deno.execPath(), run_with(LEAST, "nested, perhaps"));
    assertMatch(
      nested,
      /^Cannot start child processes: this is one itself, .+ -A, or --allow-run /,
    );
    assertEquals(await output_of(Deno.execPath(), run("nested, perhaps")), "late\n0\nend\n");
  },
});

Deno.test("a process that may not be started says what to allow", async () => {
  const cases: [string[], string][] = [
    [["--allow-read"], "Cannot start child processes: add --allow-run=deno"],
    [[DENO], "Workers cannot read the modules that they need: add --allow-read="],
  ];
  for (const [permissions, message] of cases) {
    const { code, errors } = await ending_of(
      Deno.execPath(),
      run_with(permissions, "not daemon"),
    );
    assertEquals(code, 1);
    assertStringIncludes(errors, message);
  }
});

Deno.test("a process is refused when the program has given up the permission", async () => {
  const permissions = ["--allow-read", "--allow-run=deno"];
  const output = await output_of(Deno.execPath(), run_with(permissions, "revoking"));
  const [, refusal, left] = /^printed\n0\n(.+)\n(\d)\nend\n$/.exec(output)!;
  assertEquals([refusal!.startsWith("NotCapable: Requires run access"), left], [true, "0"]);
});

Deno.test({
  name: "processes that there are too few descriptors for are refused, the others run",
  ignore: !is_linux,
  async fn() {
    const command = ["-c", 'ulimit -n 45; exec "$0" "$@"', Deno.execPath()];
    const output = await output_of("sh", [...command, ...run("many")]);
    assertEquals(output, 'true true 12\nSet(1) { "EMFILE" }\n0\nend\n');
  },
});

Deno.test("a program that starts processes wherever it is imported says what to write", async () => {
  const path = `${ROOT}tests/fixtures/programs/unguarded_processes.ts`;
  const { code, output } = await ending_of(Deno.execPath(), ["run", "-A", path]);
  assertEquals(code, 1);
  assertStringIncludes(output, "A process is started while a worker imports this module");
  assertStringIncludes(output, "import.meta.main");
});

Deno.test("a process finds modules as the program does, also one that a thread has started", async () => {
  await using folder = await TempFolder.make();
  const imports = { "library/": new URL("../../../concurrency/", import.meta.url).href };
  await Deno.writeTextFile(folder.join("deno.json"), JSON.stringify({ imports }));
  await Deno.writeTextFile(
    folder.join("program.ts"),
    `import { Process } from "library/multiprocessing/mod.ts";
    import { Thread } from "library/threading/mod.ts";
    export function say() {
      console.log("here");
    }
    export async function start() {
      const process = new Process({ target: say });
      await process.start();
      await process.join();
    }
    if (import.meta.main) {
      const thread = new Thread({ target: start });
      await thread.start();
      await thread.join();
    }`,
  );
  const { code, output } = await ending_of(Deno.execPath(), [
    "run",
    "-A",
    folder.join("program.ts"),
  ]);
  assertEquals([code, output.split("\n").filter((line) => line === "here")], [0, ["here"]]);
});
