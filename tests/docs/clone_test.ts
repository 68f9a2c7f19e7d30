/** The ways of docs/clone.md to use a clone: each entry point, with nothing from elsewhere. */
import { assertEquals } from "@std/assert";
import { output_of } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { blocks_of, ROOT } from "./blocks.ts";

const PROGRAM = `
import { TCPServer } from "@socketserver/socketserver";
import { ThreadPoolExecutor } from "@socketserver/socketserver/futures";
import { Monitor } from "@socketserver/socketserver/monitor";
import { Pool } from "@socketserver/socketserver/multiprocessing";
import { Queue } from "@socketserver/socketserver/queue";
import { Lock } from "@socketserver/socketserver/threading";

export function names(): string[] {
  return [TCPServer, ThreadPoolExecutor, Monitor, Pool, Queue, Lock].map(({ name }) => name);
}

if (import.meta.main) {
  await using pool = new ThreadPoolExecutor(1);
  console.log(...await pool.submit(names));
}
`;
const NAMES = "TCPServer ThreadPoolExecutor Monitor Pool Queue Lock\n";

const CLONE = ROOT.slice(0, -1);
const PROJECTS = blocks_of("docs/clone.md").filter(({ info }) => info === "json");

for (const { code } of PROJECTS) {
  const [field] = Object.keys(JSON.parse(code)).slice(-1);
  Deno.test(`docs/clone.md: a project finds the clone by its "${field}"`, async () => {
    await using folder = await TempFolder.make();
    await Deno.writeTextFile(folder.join("deno.json"), code.replaceAll("../socketserver", CLONE));
    await Deno.writeTextFile(folder.join("main.ts"), PROGRAM);
    const run = [
      "run",
      "--quiet",
      "--no-remote",
      "--no-prompt",
      `--config=${folder.join("deno.json")}`,
    ];
    const reads = `--allow-read=${folder.path},${CLONE}`;
    assertEquals(await output_of(Deno.execPath(), [...run, reads, folder.join("main.ts")]), NAMES);
    const serve = "jsr:@socketserver/socketserver/serve";
    const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
    const said = await output_of(Deno.execPath(), [...run, "-A", serve, "--version"]);
    assertEquals(said, `${version}\n`);
  });
}
