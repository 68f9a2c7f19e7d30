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

/** This package and those in `packages/`, with the files that `deno publish` uploads. */
export async function published_packages(): Promise<Package[]> {
  const { workspace } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const folders = [".", ...workspace].map((member: string) => new URL(`${member}/`, ROOT));
  return await Promise.all(
    folders.map(async (folder) => await package_of(folder, await uploaded(folder))),
  );
}

/** Publishes what is in a folder to a registry that only takes it, and gives what that got. */
async function uploaded(folder: URL): Promise<Package["files"]> {
  const upload = Promise.withResolvers<ReadableStream<Uint8Array<ArrayBuffer>>>();
  await using registry = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      if (request.method === "POST") {
        upload.resolve(new Blob([await request.bytes()]).stream());
        return Response.json({ id: "1", status: "success", error: null });
      }
      if (!request.url.includes("/versions/")) return Response.json({});
      const none = { code: "packageVersionNotFound", message: "It is new" };
      return Response.json(none, { status: 404 });
    },
  );
  const args = ["publish", "--token=none", "--no-provenance", "--allow-dirty", "--no-check"];
  const env = { NO_COLOR: "1", JSR_URL: `http://127.0.0.1:${registry.addr.port}/` };
  const { code, errors } = await ending_of(Deno.execPath(), args, {
    cwd: fileURLToPath(folder),
    env,
  });
  if (code !== 0) throw new Error(errors);
  const archive = (await upload.promise).pipeThrough(new DecompressionStream("gzip"));
  return new Map(files_of(await new Response(archive).bytes()));
}

/** The files in a tar archive. */
function* files_of(
  archive: Uint8Array<ArrayBuffer>,
): Generator<[path: string, bytes: Uint8Array<ArrayBuffer>]> {
  const text = (from: number, to: number) =>
    new TextDecoder().decode(archive.subarray(from, to)).replace(/\0.*/, "");
  for (let at = 0; archive[at] !== 0;) {
    const size = parseInt(text(at + 124, at + 136), 8);
    const start = at + 512;
    yield [text(at, at + 100).replace(/^\.?\/?/, "/"), archive.slice(start, start + size)];
    at = start + Math.ceil(size / 512) * 512;
  }
}

/** A package of the standard library, as it is in the folder `std`. */
export async function std_package(name: string): Promise<Package> {
  const folder = new URL(`std/${name}/`, ROOT);
  const files = await Array.fromAsync(Deno.readDir(folder), async ({ name }) => {
    const path = new URL(name, folder);
    return [`/${name}`, await Deno.readFile(path)] as const;
  });
  return await package_of(folder, new Map(files));
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

async function package_of(folder: URL, files: Package["files"]): Promise<Package> {
  const config: Config = JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
  const { name, version, exports } = config;
  return {
    name,
    version,
    exports: typeof exports === "string" ? { ".": exports } : exports,
    files,
  };
}
