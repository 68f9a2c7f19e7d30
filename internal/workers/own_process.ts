import { START_FOLDER } from "./start_folder.ts";

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./own_process_entry.ts");

/** The URL of the module that knows what this process may not. */
const ENTRY = new URL("./own_process_entry.ts", import.meta.url).href;

/** A program that a process may run by its command line. */
export interface ListedProgram {
  /** Where it was when the process started. */
  path: string;
  /** Whether it is Deno, under whatever name. */
  is_deno: boolean;
}

/** What a process does not tell a program without all permissions. */
export interface OwnProcess {
  /**
   * Its command line, with what Deno itself was told; `Deno.args` begins after that. `null` where it
   * cannot be known: elsewhere than on Linux.
   */
  arguments: string[] | null;
  /** Its environment, but `NODE_OPTIONS`, which can have Deno load any module. */
  environment: Record<string, string>;
  /** The programs that `--allow-run` lists. */
  programs: ListedProgram[];
}

/**
 * Asks about this process, with the help of a short-lived child.
 *
 * @param deno The `deno` that may be run.
 * @throws {Deno.errors.NotCapable} If it may not.
 * @throws {Deno.errors.NotFound} If it is not there.
 * @throws {Deno.errors.NotSupported} If it is a script that starts another one: a channel for messages
 * does not reach that.
 */
export async function own_process(deno: string): Promise<OwnProcess> {
  const command = new Deno.Command(deno, {
    args: ["run", "--no-config", "--allow-all", ENTRY, String(Deno.pid), START_FOLDER],
    cwd: START_FOLDER,
    // It has all permissions: nobody else's code shall run there.
    env: { NODE_OPTIONS: "" },
    stdin: "null",
    stdout: "piped",
  });
  const { stdout } = await command.output();
  const { parent, ...own } = JSON.parse(new TextDecoder().decode(stdout));
  delete own.environment.NODE_OPTIONS;
  if (parent === Deno.pid) return own;
  throw new Deno.errors.NotSupported(
    `Cannot start child processes: ${deno} on the PATH is only a script that starts another one; ` +
      `allow Deno itself, with --allow-run=${Deno.execPath()}`,
  );
}
