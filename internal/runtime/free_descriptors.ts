import { fileURLToPath } from "node:url";
import { is_want } from "./error_names.ts";

/**
 * Whether the process has so many descriptors left: tried by opening a file so many times. `true` also
 * where that cannot be found out, because the file is none or may not be read.
 *
 * @param module The URL of a module that this program reads anyway.
 * @param count How many.
 */
export function has_descriptors(module: string, count: number): boolean {
  if (!module.startsWith("file:")) return true;
  const path = fileURLToPath(module);
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return true;
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < count) files.push(Deno.openSync(path));
    return true;
  } catch (error) {
    return !is_want(error);
  } finally {
    for (const file of files) file.close();
  }
}
