/** The blocks of code in Markdown pages and doc comments. */
import { fileURLToPath } from "node:url";

/** The folder of the project, with a slash at the end. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Has a program that is elsewhere find this library under the name it is published with. */
export const CONFIG = ["--quiet", "--no-lock", `--config=${ROOT}deno.json`];

/** A block of code. */
export interface Block {
  /** What follows the fence: the language, and what `deno test --doc` is told. */
  info: string;
  code: string;
}

const DOC_FENCE = /^( *\* )```(\S.*)\n([^]*?)^ *\* ```$/gm;

/** The blocks of a file: of its text if it is Markdown, else of its doc comments. */
export function blocks_of(path: string): Block[] {
  const text = Deno.readTextFileSync(ROOT + path);
  const fence = path.endsWith(".md") ? /^( *)```(\S.*)\n([^]*?)^\1```$/gm : DOC_FENCE;
  return [...text.matchAll(fence)].map(([, indent, info, code]) => ({
    info: info!,
    code: code!.replaceAll(path.endsWith(".md") ? new RegExp(`^${indent}`, "gm") : /^ *\* ?/gm, ""),
  }));
}

/** The file that a block is, if its first line says so. */
export function name_of(code: string): string | undefined {
  return /^\S+ (\w+\.\w+)\n/.exec(code)?.[1];
}

/** The files that have documentation: the pages, and the modules. */
export function documents(): string[] {
  const found = ["README.md", "mod.ts"];
  const folders = ["concurrency/", "docs/", "handlers/", "operation/", "server/"];
  for (const folder of folders) {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
      if (isDirectory) folders.push(`${folder}${name}/`);
      else if (/\.(md|ts)$/.test(name)) found.push(folder + name);
    }
  }
  return found.sort();
}
