/** Servers whose process has no descriptor left. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { LineClient } from "../fixtures/clients.ts";
import { TempFolder } from "../fixtures/temp_folder.ts";

const SERVER = fileURLToPath(new URL("../fixtures/limited_server.ts", import.meta.url));
const CLIENTS = 80;

for (
  const name of [
    "AsyncTCPServer",
    "ThreadingTCPServer",
    "AsyncUnixStreamServer",
    "ThreadingUnixStreamServer",
  ]
) {
  Deno.test({
    name: `${name} serves again when descriptors are free, and reports their want once`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using folder = await TempFolder.make();
      const path = name.includes("Unix") ? folder.join("server") : "";
      const command = `ulimit -n 64; exec "${Deno.execPath()}" run -A "${SERVER}" ${name} ${path}`;
      const child = new Deno.Command("sh", {
        args: ["-c", command],
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      }).spawn();
      const errors = new Response(child.stderr).text();
      const output = child.stdout.getReader();
      const address = JSON.parse(new TextDecoder().decode((await output.read()).value));
      // More clients than descriptors: the last ones wait in the system.
      const clients = [await LineClient.connect(address)];
      assertEquals(await clients[0]!.ask("first"), "FIRST");
      while (clients.length < CLIENTS) clients.push(await LineClient.connect(address));
      const last = clients.pop()!;
      const waiting = last.ask("last");
      const early = await Promise.race([waiting, pause(1500)]);
      assertEquals(early, undefined, "there was no want of descriptors");
      for (const client of clients) client[Symbol.dispose]();
      const start = performance.now();
      assertEquals(await waiting, "LAST");
      const took = performance.now() - start;
      assert(took < 2000, `it served again after ${took} ms`);
      last[Symbol.dispose]();
      child.kill("SIGKILL");
      await child.status;
      await output.cancel();
      const printed = await errors;
      assertEquals(printed.match(/^Exception occurred/gm)?.length, 1, printed);
      assertMatch(printed, /Too many open files/);
    },
  });
}

function pause(delay: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delay));
}
