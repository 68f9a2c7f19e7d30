import { assertEquals } from "@std/assert";
import { flags_of } from "../../../internal/workers/command_line.ts";
import { own_process } from "../../../internal/workers/own_process.ts";

/** Command lines after `deno`, and the flags in them as people would write them out. */
const LINES: [line: string[], flags: string[]][] = [
  [[], []],
  [["run"], []],
  [["run", "server.ts"], []],
  [["server.ts"], []],
  [["run", "-A", "server.ts"], ["--allow-all"]],
  [["test", "-A", "--parallel", "tests/"], ["--allow-all", "--parallel"]],
  [["serve", "--allow-read", "server.ts"], ["--allow-read"]],
  [["bench", "-A"], ["--allow-all"]],
  [["eval", "--no-config", "1 + 1", "-A"], ["--no-config"]],
  [["-A", "server.ts"], ["--allow-all"]],
  [["-q", "run", "-A", "server.ts"], ["--allow-all"]],
  [["-L", "info", "run", "-A", "server.ts"], ["--log-level=info", "--allow-all"]],

  // Letters.
  [["run", "-R", "-W", "server.ts"], ["--allow-read", "--allow-write"]],
  [["run", "-RW", "server.ts"], ["--allow-read", "--allow-write"]],
  [["run", "-EINRSW", "server.ts"], [
    "--allow-env",
    "--allow-import",
    "--allow-net",
    "--allow-read",
    "--allow-sys",
    "--allow-write",
  ]],
  [["run", "-N=127.0.0.1", "server.ts"], ["--allow-net=127.0.0.1"]],
  [["run", "-RW=/tmp", "server.ts"], ["--allow-read", "--allow-write=/tmp"]],
  [["run", "-qA", "server.ts"], ["--allow-all"]],

  // Values.
  [["run", "--allow-env=A,B_*", "server.ts"], ["--allow-env=A,B_*"]],
  [["run", "--allow-read=/a=b", "server.ts"], ["--allow-read=/a=b"]],
  [["run", "--allow-read=", "server.ts"], ["--allow-read="]],
  [["run", "--allow-net=[::1]:80,unix:/a", "server.ts"], ["--allow-net=[::1]:80,unix:/a"]],
  [["run", "--deny-read=/etc", "-R", "server.ts"], ["--deny-read=/etc", "--allow-read"]],
  [["run", "-W=/a", "-W=/b", "server.ts"], ["--allow-write=/a", "--allow-write=/b"]],
  [["run", "-c", "deno.json", "-A", "server.ts"], ["--config=deno.json", "--allow-all"]],
  [["run", "-c=deno.json", "-A", "server.ts"], ["--config=deno.json", "--allow-all"]],
  [["run", "-Ac", "deno.json", "-R", "server.ts"], [
    "--allow-all",
    "--config=deno.json",
    "--allow-read",
  ]],
  [["run", "--config", "deno.json", "-A", "server.ts"], ["--config=deno.json", "--allow-all"]],
  [["run", "--config=deno.json", "-A", "server.ts"], ["--config=deno.json", "--allow-all"]],
  [["run", "--location", "http://a/?b=c", "-A", "server.ts"], [
    "--location=http://a/?b=c",
    "--allow-all",
  ]],
  [["run", "--location=http://a/?b=c", "-A", "server.ts"], [
    "--location=http://a/?b=c",
    "--allow-all",
  ]],
  [["run", "--import-map", "map.json", "-A", "server.ts"], [
    "--import-map=map.json",
    "--allow-all",
  ]],
  [["run", "--lock", "deno.lock", "-A", "server.ts"], ["--lock=deno.lock", "--allow-all"]],
  [["run", "--lock", "-A", "server.ts"], ["--lock", "--allow-all"]],
  [["run", "--inspect-publish-uid", "http", "-A", "server.ts"], [
    "--inspect-publish-uid=http",
    "--allow-all",
  ]],
  [["run", "--config", "--allow-all", "server.ts"], ["--config=--allow-all"]],
  [["run", "--watch", "--unstable-net", "server.ts"], ["--watch", "--unstable-net"]],

  // What is denied counts wherever it stands: some commands take flags there, and flags may be unknown.
  [["serve", "--port", "8923", "-R", "--deny-read=/a", "p.ts"], ["--port", "--deny-read=/a"]],
  [["test", "-R", "a_test.ts", "--deny-read=/a"], ["--allow-read", "--deny-read=/a"]],

  // After the name of the program all else is the program's own.
  [["run", "server.ts", "--allow-write"], []],
  [["run", "-R", "server.ts", "-A", "--", "--allow-all"], ["--allow-read"]],
  [["run", "-R", "run", "-A"], ["--allow-read"]],
  [["server.ts", "-A"], []],
  [["run", "-R", "-", "-A"], ["--allow-read"]],
  [["run", "-R", "--", "server.ts", "-A"], ["--allow-read"]],
  [["run", "--", "-A"], []],
];

for (const [line, flags] of LINES) {
  Deno.test(`flags_of() finds the flags of: ${["deno", ...line].join(" ")}`, () => {
    // Those of no consequence to a child may be left out, or keep their letter.
    const kept = (name: string) => !/^--log-level|^-.$/.test(name);
    const found = flags_of(["deno", ...line]).filter(({ name }) => kept(name));
    assertEquals(
      found.map(({ name, value }) => value === undefined ? name : `${name}=${value}`),
      flags.filter(kept),
    );
  });
}

Deno.test("flags_of() does not change the command line", () => {
  const line = ["deno", "run", "-A", "server.ts"];
  flags_of(line);
  assertEquals(line, ["deno", "run", "-A", "server.ts"]);
});

Deno.test("own_process() gives the command line and the environment of this process", async () => {
  const own = await own_process(Deno.execPath());
  assertEquals(own.environment, Deno.env.toObject());
  if (Deno.build.os !== "linux") return assertEquals(own.arguments, null);
  const text = await Deno.readTextFile("/proc/self/cmdline");
  assertEquals(own.arguments, text.split("\0").slice(0, -1));
});
