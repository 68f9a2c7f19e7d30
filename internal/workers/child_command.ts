import { fileURLToPath, pathToFileURL } from "node:url";
import type { ChildProgram } from "../runtime/deno_internals.ts";
import { granted, permission_flags } from "./child_permissions.ts";
import { type Flag, flags_of, format } from "./command_line.ts";
import { own_process, type OwnProcess } from "./own_process.ts";
import { sharing } from "./sharing.ts";
import { current_folder, START_FOLDER } from "./start_folder.ts";

/** How to start a child process of this program. */
export interface ChildCommand extends ChildProgram {
  /** The folder to which it goes, if that is not the one in which it starts. */
  folder: string | undefined;
}

/** What else a child is told if this process was: how modules are found, and how the runtime behaves. */
const INHERITED =
  /^--(unstable.*|cached-only|cert|conditions|config|frozen|frozen-lockfile|import-map|location|lock|no-config|no-lock|no-npm|no-remote|node-modules-.*|preload|require|seed|unsafely-ignore-certificate-errors|use-env-proxy|v8-flags|vendor)$/;

/** Variables that speak of sockets which this process was given, and a child is not. */
const SOCKET_VARIABLE = /^LISTEN_(FDS|PID|FDNAMES)$/;

/** Variables that Deno lets a program set for a child only if it may run anything. */
const LOADER_VARIABLE = /^(LD|DYLD)_/;

/**
 * Finds out how to start child processes of this program that have the permissions of this process, and
 * not one more, and find modules in the same way.
 *
 * A child starts in the folder in which this process did, so that all that is relative means the same,
 * and goes then to the one in which this process is.
 *
 * @param entry The URL of the child's module.
 * @returns What says it for a child that starts now: permissions may have been revoked since, variables
 * changed.
 * @throws {Deno.errors.NotSupported} In a program that `deno compile` made.
 * @throws {Deno.errors.NotCapable} If `deno` may not be run; it says what to type.
 */
export async function child_commands(entry: string): Promise<() => ChildCommand> {
  if (Deno.build.standalone) {
    throw new Deno.errors.NotSupported(
      "Cannot start child processes of a compiled program: use threads there, as with ThreadingMixIn",
    );
  }
  const file = granted({ name: "run", command: Deno.execPath() }) ? Deno.execPath() : "deno";
  const own = await own_process_of(file);
  const flags = own.arguments && flags_of(own.arguments);
  const inherited = inherited_flags(flags ?? []);
  return () => {
    const folder = current_folder();
    const permissions = permission_flags(flags, own.programs);
    return {
      file,
      // What Deno has to say it says in this process already.
      args: ["run", "--quiet", "--no-prompt", ...inherited, ...permissions, entry],
      environment: environment(own.environment),
      cwd: START_FOLDER,
      folder: folder === START_FOLDER ? undefined : folder,
    };
  };
}

async function own_process_of(file: string): Promise<OwnProcess> {
  try {
    return await own_process(file);
  } catch (error) {
    const path = Deno.execPath();
    if (!granted({ name: "run", command: file })) {
      const what_to_do = sharing.process.parent
        ? "this is one itself, and may run deno only if the program runs with -A, or --allow-run for all"
        : `add --allow-run=deno, or --allow-run=${path}`;
      throw new Deno.errors.NotCapable(`Cannot start child processes: ${what_to_do}`, {
        cause: error,
      });
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(
      "Cannot start child processes: there is no deno on the PATH; " +
        `allow this one, with --allow-run=${path}`,
    );
  }
}

function inherited_flags(flags: Flag[]): string[] {
  const inherited = flags.filter(({ name }) => INHERITED.test(name));
  const has_config = inherited.some(({ name }) => /config$/.test(name));
  const config = has_config ? undefined : find_config();
  if (config) inherited.push({ name: "--config", value: config });
  return inherited.map(format);
}

/**
 * The configuration of the program, which Deno looks for beside its main module, or, if that is on another
 * machine, where the program was started.
 */
function find_config(): string | undefined {
  // A Web Worker of the program's own does not know it.
  const main = sharing.parent ? sharing.main_module : Deno.mainModule;
  if (!main) return undefined;
  let url = main.startsWith("file:") ? new URL(".", main) : pathToFileURL(`${START_FOLDER}/`);
  while (url.protocol === "file:") {
    const folder = fileURLToPath(url);
    const found = ["deno.json", "deno.jsonc"].map((name) => folder + name).find(is_file);
    if (found) return found;
    const parent = new URL("..", url);
    if (parent.href === url.href) break;
    url = parent;
  }
  return undefined;
}

/** Whether it is a file that this process may read. */
function is_file(path: string): boolean {
  if (!granted({ name: "read", path })) return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * The environment of a child: all of it, as what it may read there is a permission. What this process
 * may read is as it is now.
 */
function environment(variables: Record<string, string>): string[] {
  const anything = granted({ name: "run" });
  return Object.entries(variables)
    .filter(([name]) => !SOCKET_VARIABLE.test(name) && (anything || !LOADER_VARIABLE.test(name)))
    .flatMap(([name, value]) => {
      const now = granted({ name: "env", variable: name }) ? Deno.env.get(name) : value;
      return now === undefined ? [] : `${name}=${now}`;
    });
}
