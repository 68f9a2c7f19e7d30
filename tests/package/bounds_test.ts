/** What those pay who install the package: how much is fetched, and how many modules are loaded. */
import { assert, assertEquals } from "@std/assert";
import { output_of } from "../fixtures/programs/programs.ts";
import { published_packages } from "./published_package.ts";

/** The most that a package may have, in bytes, without compression. */
const SIZES: Record<string, number> = {
  "@socketserver/socketserver": 2_400_000,
  "@socketserver/native": 75_000,
  "@socketserver/opentelemetry": 25_000,
  "@socketserver/redis": 95_000,
};

/** The most modules that each entry point may load. */
const MODULES: Record<string, number> = {
  ".": 112,
  "./threading": 122,
  "./queue": 90,
  "./futures": 125,
  "./multiprocessing": 250,
  "./monitor": 106,
  "./serve": 130,
};

/** A module in what `deno info` tells. */
interface Module {
  specifier: string;
  dependencies?: { isDynamic?: true; code?: { specifier?: string } }[];
}

/** The modules that an entry point loads before its first line runs: no types, and nothing that comes later. */
async function loaded_by(file: string): Promise<Set<string>> {
  const info = await output_of(Deno.execPath(), ["info", "--json", file]);
  const { roots, modules }: { roots: string[]; modules: Module[] } = JSON.parse(info);
  const dependencies = new Map(modules.map((module) => [module.specifier, module.dependencies]));
  const loaded = new Set(roots);
  for (const specifier of loaded) {
    for (const { isDynamic, code } of dependencies.get(specifier) ?? []) {
      if (!isDynamic && code?.specifier?.startsWith("file:")) loaded.add(code.specifier);
    }
  }
  return loaded;
}

Deno.test("no package grows beyond its bound, and all have the version of the library", async () => {
  const packages = await published_packages();
  const versions = new Set(packages.map(({ version }) => version));
  assertEquals(versions.size, 1, `There are ${[...versions].join(", ")}`);
  for (const { name, files } of packages) {
    const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    assert(size <= SIZES[name]!, `${name} has ${size} bytes`);
    for (const path of files.keys()) {
      assert(!/^\/(bench|std|tests|packages|api|\.ci|\.github)\//.test(path), `${name}${path}`);
    }
  }
});

Deno.test("no entry point loads more modules than its bound", async () => {
  const { exports } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  assertEquals(Object.keys(MODULES), Object.keys(exports));
  for (const [entry, file] of Object.entries<string>(exports)) {
    const { size } = await loaded_by(file);
    assert(size <= MODULES[entry]!, `${entry} loads ${size} modules`);
  }
});
