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
  "--inspect-publish-uid",
  "--junit-path",
  "--location",
  "--lock",
  "--log-level",
  "--min-dep-age",
  "--node-modules-linker",
  "--preload",
  "--reporter",
  "--require",
  "--seed",
]);

/** The one of them that need not have one. */
const OPTIONALLY_VALUED = "--lock";

/** The long names of flags that people write with one letter. */
const LETTERS: Record<string, string> = {
  A: "--allow-all",
  E: "--allow-env",
  I: "--allow-import",
  L: "--log-level",
  N: "--allow-net",
  P: "--permission-set",
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
  let subcommand = false;
  for (;;) {
    const arg = args.shift();
    if (arg === undefined || arg === "--" || arg === "-") return flags;
    if (arg.startsWith("-")) flags.push(...flags_in(arg, args));
    else if (subcommand || !SUBCOMMANDS.has(arg)) return flags;
    else subcommand = true;
  }
}

/** The flags of one argument, with the value that may follow it: `-RW` is `--allow-read --allow-write`. */
function flags_in(arg: string, following: string[]): Flag[] {
  const at = arg.indexOf("=");
  const name = at < 0 ? arg : arg.slice(0, at);
  const names = name.startsWith("--") ? [name] : [...name.slice(1)].map(long_name);
  const last = names.at(-1)!;
  const follows = at < 0 && VALUED.has(last) &&
    !(last === OPTIONALLY_VALUED && following[0]?.startsWith("-"));
  const value = at >= 0 ? arg.slice(at + 1) : follows ? following.shift() : undefined;
  return names.map((name) => ({ name, value: name === last ? value : undefined }));
}

function long_name(letter: string): string {
  return LETTERS[letter] ?? `-${letter}`;
}
