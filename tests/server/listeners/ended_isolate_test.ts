/** What is left of a server whose isolate ends without closing it: with `--watch`, or terminated. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { OWN_ADDRESS } from "../../fixtures/tools/addresses.ts";
import { Program } from "../../fixtures/programs/programs.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/ended_isolate.ts", import.meta.url),
);

Deno.test({
  name: "nobody listens at a server's address any more when its isolate has ended",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make();
    const servers: [kind: string, where: string][] = [
      ["ThreadingTCPServer", OWN_ADDRESS],
      ["ForkingTCPServer", OWN_ADDRESS],
      ["ForkingUnixStreamServer", folder.join("server")],
    ];
    for (const [kind, where] of servers) {
      await using program = new Program("run", "-A", "--no-check", PROGRAM, kind, where);
      assertEquals(await soon(program.line()), "hello", kind);
      assertEquals(await soon(program.line()), "free", kind);
    }
  },
});
