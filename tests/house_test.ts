/**
 * The house: which room may use which. Imports go down only. A room may use what is below it, and
 * itself; a file that the map does not know fails the test.
 */
import { assertEquals } from "@std/assert";
import { posix } from "node:path";

/** The floors from the top to the ground: a folder with all that is in it, or single files. */
const FLOORS: Record<string, string[]> = {
  "programs": ["operation/serve/"],
  "running it": ["operation/"],
  "the face": ["mod.ts"],
  "processes": ["concurrency/multiprocessing/"],
  "pools": ["concurrency/futures/"],
  "threads and queues": ["concurrency/queue/", "concurrency/threading/"],
  "what users subclass": ["handlers/"],
  "servers and mix-ins": ["server/"],
  "requests in workers": ["server/pooled/"],
  "where requests come from": ["server/listeners/"],
  "what handlers read and write": ["server/sockets/"],
  "the life of a request": ["server/requests/"],
  "the words of servers": [
    "server/address.ts",
    "server/address_list.ts",
    "server/events.ts",
    "server/info.ts",
    "server/options.ts",
    "server/tls_options.ts",
  ],
  "objects that several threads and processes use": ["internal/shared/"],
  "threads and child processes": ["internal/workers/"],
  "the runtime": ["internal/runtime/"],
  "the version": ["deno.json"],
};

const ROOT = new URL("..", import.meta.url);

/** The number of a file's floor, by the longest entry that fits, from 0 at the top; -1 for none. */
function floor_of(file: string): number {
  const entries = Object.values(FLOORS).flatMap((names, floor) =>
    names.map((name) => ({ name, floor }))
  );
  const fitting = entries.filter(({ name }) =>
    name.endsWith("/") ? file.startsWith(name) : file === name
  );
  const best = fitting.toSorted((one, other) => other.name.length - one.name.length)[0];
  return best?.floor ?? -1;
}

/** A module in what `deno info` tells. */
interface Module {
  specifier: string;
  dependencies?: { specifier: string; code?: Resolved; type?: Resolved }[];
}

interface Resolved {
  specifier?: string;
}

/** The modules that an entry point needs. */
async function modules_of(entry: string): Promise<Module[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
  }).output();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] }).modules;
}

/** Each file that can be reached from the entry points, by its path from the root, with what it imports. */
async function graph(): Promise<Map<string, string[]>> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const modules = await Promise.all(Object.values<string>(exports).map(modules_of));
  const files = new Map<string, string[]>();
  for (const { specifier, dependencies = [] } of modules.flat()) {
    if (!specifier.startsWith(ROOT.href)) continue;
    const used = dependencies.map(({ code, type }) => (code ?? type)?.specifier ?? "unresolved");
    files.set(path_of(specifier), used.map(path_of));
  }
  return files;
}

/** The path from the root; what lies elsewhere is left as it is. */
function path_of(url: string): string {
  return url.startsWith(ROOT.href) ? url.slice(ROOT.href.length) : url;
}

/** The files of a folder, by their paths from the root. */
async function* files_in(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) yield* files_in(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield folder + name;
  }
}

Deno.test("the house: each file has its floor, and imports go down only", async () => {
  const wrong: string[] = [];
  for (const [file, used] of await graph()) {
    if (floor_of(file) < 0) wrong.push(`${file} is on no floor`);
    for (const other of used) {
      if (!other.startsWith("node:") && floor_of(other) < floor_of(file)) {
        wrong.push(`${file} uses ${other}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("the house: no file is there that nothing uses", async () => {
  const used = await graph();
  const unused: string[] = [];
  for (const folder of ["operation/", "concurrency/", "handlers/", "server/", "internal/"]) {
    for await (const file of files_in(folder)) if (!used.has(file)) unused.push(file);
  }
  assertEquals(unused, []);
});

Deno.test("the house: tests lie as what they test", async () => {
  const rooms = new Set([...(await graph()).keys()].map((file) => posix.dirname(file)));
  const lost: string[] = [];
  for (
    const room of [
      "tests/operation/",
      "tests/concurrency/",
      "tests/handlers/",
      "tests/server/",
      "tests/internal/",
    ]
  ) {
    for await (const test of files_in(room)) {
      if (!rooms.has(posix.dirname(test.slice("tests/".length)))) lost.push(test);
    }
  }
  assertEquals(lost, []);
});
