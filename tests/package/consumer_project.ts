import { delimiter, dirname } from "node:path";
import { output_of, Task } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { consumer_files } from "./consumer_files.ts";
import { LoopbackRegistry } from "./loopback_registry.ts";
import { handler_package, published_packages, std_package } from "./published_package.ts";

/** The packages, read once. */
let packages: ReturnType<typeof read_packages> | undefined;
const read_packages = () =>
  Promise.all([published_packages(), std_package("async"), handler_package()]);

/**
 * A project of somebody who imports the package from JSR, in a folder of its own and with a cache
 * of its own; removed when the block is left. Its JSR is a {@linkcode LoopbackRegistry}.
 */
export class ConsumerProject implements AsyncDisposable {
  readonly registry: LoopbackRegistry;
  /** What is run to serve a handler. */
  readonly serve: string;
  #folder: TempFolder;

  private constructor(folder: TempFolder, registry: LoopbackRegistry, version: string) {
    this.#folder = folder;
    this.registry = registry;
    this.serve = `jsr:@socketserver/socketserver@^${version}/serve`;
  }

  static async make(): Promise<ConsumerProject> {
    const [published, ...others] = await (packages ??= read_packages());
    const { version } = published[0]!;
    const folder = await TempFolder.make();
    for (const [path, text] of Object.entries(consumer_files(`^${version}`))) {
      await Deno.mkdir(dirname(folder.join(`project/${path}`)), { recursive: true });
      await Deno.writeTextFile(folder.join(`project/${path}`), text);
    }
    await Deno.mkdir(folder.join("cache"));
    // The standard library here is a package of npm, and need not be fetched again.
    await Deno.symlink(await npm_cache(), folder.join("cache/npm"));
    const registry = await LoopbackRegistry.start([...published, ...others]);
    return new ConsumerProject(folder, registry, version);
  }

  /** A path beside the project, for what it makes. */
  join(name: string): string {
    return this.#folder.join(name);
  }

  /** A path in it. */
  file(name: string): string {
    return this.join(`project/${name}`);
  }

  /** Starts a command of a shell, `deno` or another one, in the project. */
  start(command: string): Task {
    const variables = {
      DENO_DIR: this.join("cache"),
      JSR_URL: this.registry.url,
      NO_COLOR: "1",
      // With this `deno` first: another one may be only a script, which child processes cannot be.
      PATH: [dirname(Deno.execPath()), Deno.env.get("PATH")].join(delimiter),
    };
    const assignments = Object.entries(variables).map(([name, value]) => `${name}="${value}"`);
    return new Task("--cwd", this.join("project"), "--eval", [...assignments, command].join(" "));
  }

  /**
   * Runs such a command to its end.
   *
   * @throws {Error} With what it printed, if it fails.
   */
  async run(command: string): Promise<void> {
    await using task = this.start(command);
    const errors = task.errors();
    const { success } = await task.status();
    if (!success) throw new Error(await errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _folder = this.#folder;
    await this.registry.stop();
  }
}

/** The folder where Deno keeps packages of npm. */
async function npm_cache(): Promise<string> {
  return JSON.parse(await output_of(Deno.execPath(), ["info", "--json"])).npmCache;
}
