/** A server that is not serving lets the program end, although nobody has closed it. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { SOON } from "../fixtures/tools/waiting.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("../fixtures/programs/unclosed_server.ts"));

/** What a program prints that ends by itself; what it has printed when it is ended, if it does not. */
async function output(args: string[]): Promise<[text: string, ended: boolean]> {
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const late = setTimeout(() => child.kill(), SOON);
  const { stdout, success } = await child.output();
  clearTimeout(late);
  return [new TextDecoder().decode(stdout), success];
}

/** What each program does, and of which servers. */
const CASES: [flags: string[], what: string, names: string[]][] = [
  [[], "made", ["ThreadingTCPServer", "ForkingTCPServer", "UDPServer"]],
  [["--unstable-net"], "made", ["TCPServer", "UDPServer"]],
  [[], "timeout", ["TCPServer", "UDPServer"]],
  [["--unstable-net"], "timeout", ["UDPServer"]],
  [[], "shutdown", ["TCPServer", "UDPServer"]],
  [["--unstable-net"], "shutdown", ["UDPServer"]],
];

for (const [flags, what, names] of CASES) {
  for (const name of names) {
    Deno.test(`${[name, ...flags].join(" with ")}, not closed, lets the program end: ${what}`, async () => {
      const args = ["run", "-A", "--no-check", ...flags, PROGRAM, name, what];
      assertEquals(await output(args), ["the end of main\n", true]);
    });
  }
}

for (const name of ["ThreadingUnixStreamServer", "UnixDatagramServer"]) {
  const ignore = Deno.build.os === "windows";
  Deno.test(`${name}, not closed, lets the program end: made`, { ignore }, async () => {
    await using folder = await TempFolder.make();
    const flags = ["-A", "--no-check", "--unstable-net"];
    const args = ["run", ...flags, PROGRAM, name, "made", folder.join("server")];
    assertEquals(await output(args), ["the end of main\n", true]);
  });
}
