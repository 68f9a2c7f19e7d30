import { isAbsolute, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

/** The URL of a file at a path, which may be relative. */
export function file_url(path: string): URL {
  // Deno.cwd() would ask for a permission.
  return pathToFileURL(isAbsolute(path) ? path : join(process.cwd(), path));
}
