/** The programs of docs/porting.md before and after: both say the same. */
import { assertEquals } from "@std/assert";
import { is_there, output_of, Program, Task } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, name_of, ROOT } from "./blocks.ts";

const BLOCKS = blocks_of("docs/porting.md");
const [PRINTED, KITCHEN] = BLOCKS.filter(({ info }) => info === "text").map(({ code }) => code);

/** How each program is started, given its path; it prints the port that the system chose. */
const SERVERS: Record<string, (path: string) => Program> = {
  "tasks.py": (path) => new Task("--eval", `python3 ${path} 0`),
  "tasks.ts": (path) => {
    const permissions = ["--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${ROOT},${path}`];
    return new Program("run", ...CONFIG, ...permissions, path, "0");
  },
};

/** Writes the block of that name into a folder, and gives its path. */
async function write(folder: TempFolder, name: string): Promise<string> {
  const { code } = BLOCKS.find(({ code }) => name_of(code) === name)!;
  await Deno.writeTextFile(folder.join(name), code);
  return folder.join(name);
}

for (const [name, start] of Object.entries(SERVERS)) {
  Deno.test({
    name: `python3: the client of docs/porting.md hears from ${name} what is written there`,
    ignore: !is_there("python3") || Deno.build.os === "windows",
    async fn() {
      await using folder = await TempFolder.make();
      const client = await write(folder, "client.py");
      await using server = start(await write(folder, name));
      const port = await server.line().catch(async () => Promise.reject(await server.errors()));
      assertEquals(await soon(output_of("python3", [client, port])), PRINTED);
      server.child.kill("SIGTERM");
      assertEquals((await server.status()).code, 0);
    },
  });
}

for (const name of ["kitchen.py", "kitchen.ts"]) {
  Deno.test({
    name: `${name} of docs/porting.md prints what is written there`,
    ignore: name.endsWith(".py") && (!is_there("python3") || Deno.build.os === "windows"),
    async fn() {
      await using folder = await TempFolder.make();
      const path = await write(folder, name);
      const [command, ...args] = name.endsWith(".py")
        ? ["python3", path]
        : [Deno.execPath(), "run", ...CONFIG, path];
      assertEquals(await soon(output_of(command!, args)), KITCHEN);
    },
  });
}
