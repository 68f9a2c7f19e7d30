/** The command lines of Deno that have a program: the word after `deno`, if it is not the program. */
const SUBCOMMANDS = new Set(["run", "test", "serve", "bench", "watch", "eval"]);

/** Flags whose value may be an argument of its own. */
const VALUED = new Set([
  "--cert",
  "--conditions",
  "--config",
  "--ext",
  "--filter",
  "--import-map",
  "--junit-path",
  "--location",
  "--log-level",
  "--min-dep-age",
  "--node-modules-linker",
  "--preload",
  "--reporter",
  "--require",
  "--seed",
  "-L",
  "-c",
]);

/** The long names of flags that people write with one letter. */
const LETTERS: Record<string, string> = {
  A: "--allow-all",
  E: "--allow-env",
  I: "--allow-import",
  N: "--allow-net",
  R: "--allow-read",
  S: "--allow-sys",
  W: "--allow-write",
  c: "--config",
};

/** A flag of a command line. */
export interface Flag {
  /** Its long name, with the dashes. */
  name: string;
  /** Its value, if it has one. */
  value: string | undefined;
}

/** What a process does not tell a program without all permissions. */
export interface OwnProcess {
  /**
   * Its command line, with what Deno itself was told; `Deno.args` begins after that. `null` where it
   * cannot be known: elsewhere than on Linux.
   */
  arguments: string[] | null;
  /** Its environment. */
  environment: Record<string, string>;
}

/** Run by another `deno`, which may know what this process may not. */
const ASK = `console.log(JSON.stringify({
  arguments: Deno.build.os === "linux"
    ? Deno.readTextFileSync("/proc/" + Deno.args[0] + "/cmdline").split("\\0").slice(0, -1)
    : null,
  environment: Deno.env.toObject(),
  parent: Deno.ppid,
}))`;

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
  const args = ["eval", "--no-config", ASK, String(Deno.pid)];
  const command = new Deno.Command(deno, { args, stdin: "null", stdout: "piped" });
  const { stdout } = await command.output();
  const { parent, ...own } = JSON.parse(new TextDecoder().decode(stdout));
  if (parent === Deno.pid) return own;
  throw new Deno.errors.NotSupported(
    `Cannot start child processes: ${deno} on the PATH is only a script that starts another one; ` +
      `allow Deno itself, with --allow-run=${Deno.execPath()}`,
  );
}

/** What Deno was told by a command line: its flags up to the name of the program. */
export function flags_of([, ...args]: string[]): Flag[] {
  const flags: Flag[] = [];
  if (SUBCOMMANDS.has(args[0] ?? "")) args.shift();
  while (args[0]?.startsWith("-") && args[0] !== "--") {
    const arg = args.shift()!;
    const at = arg.indexOf("=");
    const name = at < 0 ? arg : arg.slice(0, at);
    const value = at >= 0 ? arg.slice(at + 1) : VALUED.has(name) ? args.shift() : undefined;
    const names = name.startsWith("--") ? [name] : long_names(name);
    for (const name of names) flags.push({ name, value });
  }
  return flags;
}

/** `-RW` is `--allow-read --allow-write`. */
function long_names(letters: string): string[] {
  return [...letters.slice(1)].flatMap((letter) => LETTERS[letter] ?? []);
}
