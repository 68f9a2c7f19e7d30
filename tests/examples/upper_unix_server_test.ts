import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { BufferedReader } from "../../mod.ts";
import { commands_of, is_there, Task } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";

const [RUN, SOCAT, NC] = commands_of("upper_unix_server.ts");
const FOLDER = fileURLToPath(new URL("../../examples/", import.meta.url));
const no_unix = Deno.build.os === "windows";

/** The server in a folder, started there by the command of its head comment. */
async function start(folder: TempFolder, command: string): Promise<Task> {
  await using stack = new AsyncDisposableStack();
  const there = command.replace(/examples\/(\S+)/, `"${FOLDER}$1"`);
  const task = stack.use(new Task("--cwd", folder.path, "--eval", there));
  const [, path] = /^Serving at (.+); Ctrl-C ends it$/.exec(await task.line()) ?? [];
  await Deno.lstat(folder.join(path!));
  stack.move();
  return task;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `upper_unix_server.ts answers lines; ${signal} ends it and removes the path`,
    ignore: no_unix,
    async fn() {
      await using folder = await TempFolder.make();
      await using task = await start(folder, RUN!);
      const path = folder.join("socketserver.sock");
      using conn = await Deno.connect({ transport: "unix", path });
      const lines = new BufferedReader(conn);
      await conn.write(new TextEncoder().encode("hello\nworld\n"));
      assertEquals(new TextDecoder().decode(await lines.readline()), "HELLO\n");
      assertEquals(new TextDecoder().decode(await lines.readline()), "WORLD\n");
      task.child.kill(signal);
      assertEquals((await lines.readline()).length, 0);
      await task.ends_well();
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
    },
  });
}

Deno.test({
  name: "upper_unix_server.ts serves at the path that is its argument, or at the default",
  ignore: no_unix,
  async fn() {
    await using folder = await TempFolder.make();
    await using _other = await start(folder, RUN!.replaceAll("socketserver.sock", "other.sock"));
    await using _default = await start(folder, RUN!.replace(/ \S+$/, ""));
    const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
    assertEquals(names.sort(), ["other.sock", "socketserver.sock"]);
  },
});

for (const [program, command] of [["socat", SOCAT!], ["nc", NC!]]) {
  Deno.test({
    name: `${program}: upper_unix_server.ts answers it`,
    ignore: no_unix || !is_there(program!),
    async fn() {
      await using folder = await TempFolder.make();
      await using _task = await start(folder, RUN!);
      await using client = new Task("--cwd", folder.path, "--eval", command!);
      await client.send("hello\n");
      assertEquals(await client.line(), "HELLO");
    },
  });
}
