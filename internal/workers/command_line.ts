import { basename } from "node:path";
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

/** What takes flags behind the names of its files, too. */
const FLAGS_LAST = new Set(["bench", "repl", "test"]);

/**
 * What Deno was told by a command line: its flags up to the name of the program, and what is denied behind what may
 * be a value of a flag that is not known.
 *
 * @param line The command line.
 * @param main The program's main module: what stands behind it is the program's own.
 */
export function flags_of(
  [, ...args]: string[],
  // There is none in a Web Worker.
  main: string | undefined = Deno.mainModule,
): Flag[] {
  const flags: Flag[] = [];
  let subcommand: string | undefined;
  for (;;) {
    const arg = args.shift();
    if (arg === undefined || arg === "--" || arg === "-") return flags;
    if (arg.startsWith("-")) flags.push(...flags_in(arg, args));
    else if (subcommand === undefined && SUBCOMMANDS.has(arg)) subcommand = arg;
    else {
      const words = [arg, ...args];
      const end = words.findIndex((word) => basename(word) === basename(main ?? ""));
      const is_all = FLAGS_LAST.has(subcommand ?? "") || end < 0;
      return [...flags, ...denials_in(is_all ? words : words.slice(0, end))];
    }
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

/** The items that a flag lists, all its occurrences together. */
export function listed(flags: Flag[], flag: string): string[] {
  return flags.filter(({ name, value }) => name === flag && value !== undefined)
    // A comma that belongs to an item is written twice.
    .flatMap(({ value }) => value!.split(/(?<!,),(?!,)/))
    .map((item) => item.replaceAll(",,", ","));
}

/** A flag with items; nothing if there are none, as it would mean all. */
export function list_flag(name: string, items: string[]): string[] {
  if (items.length === 0) return [];
  return [`${name}=${items.map((item) => item.replaceAll(",", ",,")).join(",")}`];
}

/** A flag as it is written. */
export function format({ name, value }: Flag): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** What is denied in some words of a command line. */
function denials_in(args: string[]): Flag[] {
  return args.flatMap((arg) => {
    const [, name, value] = /^(--(?:deny|ignore)-\w+)(?:=(.*))?$/s.exec(arg) ?? [];
    return name === undefined ? [] : [{ name, value }];
  });
}
