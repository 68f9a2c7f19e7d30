import type { Package } from "./published_package.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/**
 * A registry that speaks JSR's protocol on the loopback interface and has some packages, and
 * nothing else: it fails when it is stopped if anything else was asked of it.
 */
export class LoopbackRegistry implements AsyncDisposable {
  /** Where it is, for the variable `JSR_URL`. */
  readonly url: string;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #contents: Map<string, BodyInit>;
  #unknown: string[] = [];
  #stopped = false;

  private constructor(contents: Map<string, BodyInit>) {
    const answer = ({ url }: Request) => {
      const { pathname } = new URL(url);
      const content = contents.get(pathname);
      if (content !== undefined) return new Response(content);
      this.#unknown.push(pathname);
      return new Response("Not found", { status: 404 });
    };
    this.#contents = contents;
    const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(address, answer);
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Starts one that has these packages. */
  static async start(packages: Package[]): Promise<LoopbackRegistry> {
    const contents = await Promise.all(packages.map(contents_of));
    return new LoopbackRegistry(new Map(contents.flat()));
  }

  /**
   * Stops it: it cannot be reached any more.
   *
   * @throws {Error} If it was asked for anything that it does not have.
   */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await soon(this.#server.shutdown());
    if (this.#unknown.length === 0) return;
    throw new Error(
      `The registry was asked for what is not published: ${this.#unknown.join(", ")}`,
    );
  }

  /** The URL of a file that it has. */
  url_of(name: string, path: string): string {
    const found = [...this.#contents.keys()].find((key) =>
      key.startsWith(`/${name}/`) && key.endsWith(path)
    );
    if (found === undefined) throw new Error(`The package ${name} has no ${path}`);
    return new URL(found, this.url).href;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** All that can be asked of a registry about a package, by path: see https://jsr.io/docs/api. */
async function contents_of(
  { name: full_name, version, exports, files }: Package,
): Promise<[path: string, content: BodyInit][]> {
  const [scope, name] = full_name.slice(1).split("/");
  const base = `/${full_name}/`;
  const meta = { scope, name, latest: version, versions: { [version]: {} } };
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    manifest[path] = { size: bytes.length, checksum: `sha256-${digest.toHex()}` };
  }
  return [
    [`${base}meta.json`, JSON.stringify(meta)],
    [`${base}${version}_meta.json`, JSON.stringify({ manifest, exports })],
    ...[...files].map(([path, bytes]): [string, BodyInit] => [`${base}${version}${path}`, bytes]),
  ];
}
