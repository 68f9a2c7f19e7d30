/** Errors that are hard to print, and a standard error that is full: the server lives. */
import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { BaseRequestHandler, ThreadingTCPServer } from "../../../mod.ts";
import { ODD_ERRORS } from "../../fixtures/programs/odd_error_program.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/odd_error_program.ts", import.meta.url),
);

/** How long, in ms, a program may take that serves a dozen clients. */
const LIMIT = 60_000;

/** What comes of a client for each line, with what the program prints to standard error sent to a path. */
async function outcome_of(
  name: string,
  lines: string[],
  errors: string,
): Promise<{ code: number; output: string }> {
  const script = `exec "$0" run -A "$@" 2>${errors}`;
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", script, Deno.execPath(), PROGRAM, name, ...lines],
    stdin: "null",
    stderr: "null",
    signal: AbortSignal.timeout(LIMIT),
  }).output();
  return { code, output: new TextDecoder().decode(stdout) };
}

const THROWN = ODD_ERRORS.map((error) => `handle ${error}`);
/** These end a worker, and without workers the program, as anywhere in Deno. */
const LOST = ["odd", "revoked", "bare"].map((error) => `promise ${error}`);

const CASES: [name: string, lines: string[]][] = [
  ["TCPServer", THROWN],
  ["AsyncTCPServer", THROWN],
  ["ThreadingTCPServer", [...THROWN, ...LOST]],
  ["ForkingTCPServer", [...THROWN, ...LOST]],
];

for (const [name, lines] of CASES) {
  const all_failed = { code: 0, output: `{"completed":0,"failed":${lines.length}}\n` };

  Deno.test({
    name: `${name} serves all clients although no error can be printed`,
    ignore: Deno.build.os === "windows",
    async fn() {
      assertEquals(await outcome_of(name, lines, "/dev/null"), all_failed);
    },
  });

  Deno.test({
    name: `${name} serves all clients although standard error is full`,
    // Only there is a device that is always full.
    ignore: Deno.build.os !== "linux",
    async fn() {
      const mixed = lines.with(0, "handle plain");
      assertEquals(await outcome_of(name, mixed, "/dev/full"), all_failed);
    },
  });
}

for (const [name] of CASES.slice(2)) {
  Deno.test({
    name: `${name} says of each lost promise that nobody awaited it, whatever its error`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const { output } = await outcome_of(name, LOST, "&1");
      assertEquals(output.match(/nobody awaited it/g)?.length, LOST.length);
    },
  });
}

Deno.test("serve_forever() says that a handler's module threw, also if that cannot be printed", async () => {
  const revoked = "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;";
  for (const code of [revoked, "throw Object.create(null);"]) {
    class Unloadable extends BaseRequestHandler {
      static override module = `data:text/javascript,${encodeURIComponent(code)}`;
    }
    const options = { max_workers: 1 };
    await using server = new ThreadingTCPServer(["127.0.0.1", 0], Unloadable, options);
    const said = "the module of the handler class Unloadable, in a worker: ";
    await assertRejects(() => soon(server.serve_forever()), TypeError, said);
  }
});
