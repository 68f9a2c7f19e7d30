/**
 * The folder in which the program was when the library was loaded. Relative paths of its command line,
 * and of variables such as `PATH` and `DENO_DIR`, begin there.
 */
export const START_FOLDER: string = current_folder() ?? "/";

/** The folder in which the program is now; `undefined` if that was removed. */
export function current_folder(): string | undefined {
  try {
    return Deno.cwd();
  } catch {
    return undefined;
  }
}
