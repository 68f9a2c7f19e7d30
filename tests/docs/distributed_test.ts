/** The master and the worker of docs/distributed.md, as two programs. */
import { assertEquals } from "@std/assert";
import { Program } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { until } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, name_of, ROOT } from "./blocks.ts";

/** A port that is free. */
function free_port(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether somebody listens there. */
async function is_there(port: number): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch {
    return false;
  }
}

Deno.test("docs/distributed.md: the worker does what the master has", async () => {
  await using folder = await TempFolder.make();
  const port = free_port();
  for (const { info, code } of blocks_of("docs/distributed.md")) {
    if (info !== "ts ignore") continue;
    const here = code.replace(/\["[^"]+", 5000\]/, `["127.0.0.1", ${port}]`);
    await Deno.writeTextFile(folder.join(name_of(code)!), here);
  }
  Deno.env.set("AUTHKEY", "a secret of the tests");
  const start = (name: string) => {
    const read = `--allow-read=${ROOT},${folder.path}`;
    const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-env=AUTHKEY", read];
    return new Program("run", ...CONFIG, ...flags, folder.join(name));
  };
  await using master = start("master.ts");
  await until(() => is_there(port));
  await using worker = start("worker.ts");
  for (let number = 1; number <= 100; number++) {
    assertEquals(await master.line(), `${number} squared is ${number ** 2}`);
  }
  assertEquals((await master.status()).code, 0);
  // It waits for more, and hears that there is no master.
  assertEquals((await worker.status()).code, 1);
});
