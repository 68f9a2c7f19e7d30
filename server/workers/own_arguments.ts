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

/**
 * Prints the arguments of a process: `deno eval` may read them, and this program only if it may do
 * everything.
 */
const PRINT = "console.log(Deno.readTextFileSync(`/proc/${Deno.args[0]}/cmdline`))";

/**
 * The command line of this process, with what Deno itself was told; `Deno.args` begins after that.
 *
 * @param deno The `deno` that may be run.
 * @returns `undefined` where it cannot be known: elsewhere than on Linux.
 */
export async function own_arguments(deno: string): Promise<string[] | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const args = ["eval", "--no-config", PRINT, String(Deno.pid)];
  const command = new Deno.Command(deno, { args, stdin: "null", stdout: "piped", stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? split(new TextDecoder().decode(stdout)) : undefined;
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

function split(cmdline: string): string[] {
  return cmdline.replace(/\0?\n?$/, "").split("\0");
}
