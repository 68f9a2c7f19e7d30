/** Packages, as they are published. */
import { fileURLToPath } from "node:url";
import { ending_of } from "../fixtures/programs/programs.ts";

/** The folder of the project. */
const ROOT = new URL("../../", import.meta.url);

/** What a registry has of a package. */
export interface Package {
  /** Its name, with the scope. */
  name: string;
  version: string;
  /** Its entry points: each name, such as `.`, and its file. */
  exports: Record<string, string>;
  /** What each file holds, by its path in the package: `/mod.ts`. */
  files: Map<string, Uint8Array<ArrayBuffer>>;
}

interface Config extends Pick<Package, "name" | "version"> {
  exports: string | Package["exports"];
}

/**
 * This package, with the files that `deno publish` would upload, as they are here. It would rewrite
 * the imports of `@std` in the examples; the library has none, only its own modules and Deno's.
 */
export async function published_package(): Promise<Package> {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const options = { cwd: fileURLToPath(ROOT), env: { NO_COLOR: "1" } };
  const { code, errors } = await ending_of(Deno.execPath(), args, options);
  if (code !== 0 || !errors.includes("Success")) throw new Error(errors);
  const urls = [...errors.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url!);
  return await package_of(ROOT, urls);
}

/** A package of the standard library, as it is in the folder `std`. */
export async function std_package(name: string): Promise<Package> {
  const folder = new URL(`std/${name}/`, ROOT);
  const urls = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => new URL(name, folder).href);
  return await package_of(folder, urls);
}

const HANDLER = (range: string) => `
import { StreamRequestHandler } from "jsr:@socketserver/socketserver@${range}";
import { isMainThread } from "node:worker_threads";

export class PackagedHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      const text = "Hello, " + new TextDecoder().decode(line).trim();
      const answer = { text, pid: Deno.pid, worker: !isMainThread };
      await this.wfile.write(JSON.stringify(answer) + "\\n");
    }
  }
}
`;

/** A package of somebody else that has a handler, and uses this one. */
export async function handler_package(): Promise<Package> {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const files = new Map([["/mod.ts", new TextEncoder().encode(HANDLER(`^${version}`))]]);
  return { name: "@example/handler", version: "1.0.0", exports: { ".": "./mod.ts" }, files };
}

async function package_of(folder: URL, urls: string[]): Promise<Package> {
  const config: Config = JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
  const { name, version, exports } = config;
  const files = await Promise.all(
    urls.map(async (url): Promise<[string, Uint8Array<ArrayBuffer>]> => [
      `/${url.slice(folder.href.length)}`,
      await Deno.readFile(new URL(url)),
    ]),
  );
  return {
    name,
    version,
    exports: typeof exports === "string" ? { ".": exports } : exports,
    files: new Map(files),
  };
}
