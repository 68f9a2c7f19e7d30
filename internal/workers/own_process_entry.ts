/**
 * A program with all permissions that tells the process that has started it about itself:
 * `own_process_entry.ts PID FOLDER`, with the folder in which that process started.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { flags_of, listed } from "./command_line.ts";
import type { ListedProgram, OwnProcess } from "./own_process.ts";

const [pid, folder = ""] = Deno.args;
const is_linux = Deno.build.os === "linux";

/** The words in a file that the system has of the process. */
function words_of(file: string): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/${file}`).split("\0").slice(0, -1);
}

/** The paths at which a program can lie, the first first. */
function places_of(program: string): string[] {
  if (program.includes("/")) return [resolve(folder, program)];
  const path = words_of("environ").find((word) => word.startsWith("PATH="))?.slice(5) ?? "";
  return path.split(":").map((place) => resolve(folder, place, program));
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

function is_program(path: string): boolean {
  const info = stat(path);
  return info !== undefined && info.isFile && (info.mode! & 0o111) !== 0;
}

/** Whether a path leads to Deno, also by a link, or has its name. */
function is_deno(path: string): boolean {
  const file = stat(path)!;
  const denos = [`/proc/${pid}/exe`, Deno.execPath(), ...places_of("deno")].map(stat);
  return basename(path) === "deno" ||
    denos.some((deno) => deno?.dev === file.dev && deno.ino === file.ino);
}

function programs_of(args: string[]): ListedProgram[] {
  return listed(flags_of(args), "--allow-run").flatMap((name) => {
    const path = places_of(name).find(is_program);
    return path === undefined ? [] : { path, is_deno: is_deno(path) };
  });
}

if (import.meta.main) {
  const args = is_linux ? words_of("cmdline") : null;
  const own: OwnProcess & { parent: number } = {
    arguments: args,
    environment: Deno.env.toObject(),
    programs: args ? programs_of(args) : [],
    parent: Deno.ppid,
  };
  console.log(JSON.stringify(own));
}
