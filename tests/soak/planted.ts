/**
 * Plants one fault after the other into a copy of this project, and has the fire find each.
 *
 * ```sh
 * deno task soak:planted
 * deno task soak:planted --only "leaked" --seed 7
 * ```
 *
 * It prints how soon each was found, and what told it, and ends with exit code 1 if one was not found within two minutes.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { output_of } from "../fixtures/programs/programs.ts";
import { text_of } from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { type Edit, edited, type Fault, FAULTS } from "./planted_faults.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** How long the fire may take to find a fault, in minutes, and to start and end besides. */
const MINUTES = 2;
const BESIDES = 90_000;

/** A copy of the project, with what was changed and not committed yet. */
async function copy_project(folder: TempFolder): Promise<void> {
  const files = await output_of("git", ["-C", ROOT, "ls-files", "-co", "--exclude-standard"]);
  const archive = folder.join("project.tar");
  await output_of("tar", ["-C", ROOT, "-cf", archive, "-T", "-"], files);
  await output_of("tar", ["-C", folder.path, "-xf", archive]);
}

async function edit(folder: TempFolder, one: Edit): Promise<void> {
  await Deno.writeTextFile(folder.join(one.file), await edited(folder.path, one));
}

/** What the fire says of a project with a fault; `undefined` if all holds. */
async function found_in(
  { only, edits, told_by }: Fault,
  seed: string,
): Promise<string | undefined> {
  await using folder = await TempFolder.make();
  await copy_project(folder);
  for (const one of edits) await edit(folder, one);
  const fire = `${folder.path}/tests/soak/soak.ts`;
  const flags = ["run", "-A", "--unstable-net", "--no-check"];
  await using child = new Deno.Command(Deno.execPath(), {
    args: [...flags, fire, "--minutes", `${MINUTES}`, "--seed", seed, "--only", only],
    cwd: folder.path,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const { code, stderr } = await soon(child.output(), MINUTES * 60_000 + BESIDES);
  const [line = ""] = text_of(stderr).split("\n", 1);
  if (code === 1 && told_by.some((invariant) => line.includes(`: ${invariant}: `))) return line;
  if (code !== 0) throw new Error(`The fire has found something else: ${text_of(stderr)}`);
  return undefined;
}

if (import.meta.main) {
  const { only, seed } = parseArgs(Deno.args, {
    string: ["only", "seed"],
    default: { only: "", seed: "1" },
  });
  const faults = Object.entries(FAULTS).filter(([name]) => name.includes(only));
  let missed = 0;
  for (const [name, fault] of faults) {
    const found = await found_in(fault, seed);
    console.log(`${name}\n  ${found ?? "NOT FOUND"}`);
    if (found === undefined) missed++;
  }
  console.log(`${faults.length - missed} of ${faults.length} faults were found`);
  Deno.exit(missed > 0 ? 1 : 0);
}
