/** A server that is not serving lets the program end, although nobody has closed it. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { names_with_native } from "../fixtures/servers/named_servers.ts";
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
  [
    [],
    "made",
    names_with_native(["ThreadingTCPServer", "ForkingTCPServer", "UDPServer"], "NativeUDPServer"),
  ],
  [["--unstable-net"], "made", ["TCPServer", "UDPServer"]],
  [[], "timeout", names_with_native(["TCPServer", "UDPServer"], "NativeUDPServer")],
  [["--unstable-net"], "timeout", ["UDPServer"]],
  [[], "shutdown", names_with_native(["TCPServer", "UDPServer"], "NativeUDPServer")],
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

const LAST = fileURLToPath(import.meta.resolve("../fixtures/programs/last_request.ts"));

for (const name of ["TCPServer", "ThreadingTCPServer", "ForkingTCPServer"]) {
  Deno.test(`${name}, not closed: the program does not end before its last connection has lingered`, async () => {
    const args = ["run", "-A", "--no-check", LAST, name];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
    const late = setTimeout(() => child.kill(), SOON);
    const chunks = child.stdout.values();
    const port = Number(new TextDecoder().decode((await chunks.next()).value));
    {
      using client = await Deno.connect({ hostname: "127.0.0.1", port });
      await client.write(new TextEncoder().encode("a line\n"));
      await client.read(new Uint8Array(1));
      // What nobody reads any more: a connection that is closed over it is reset, and the reply lost.
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await client.write(new Uint8Array(10_000));
      }
      assertEquals((await new Response(client.readable).bytes()).length, 199_999);
    }
    assertEquals((await child.status).success, true);
    clearTimeout(late);
    await chunks.return?.();
  });
}
