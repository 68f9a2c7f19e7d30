import { fileURLToPath } from "node:url";
import { image_of } from "./error_image.ts";

/** This module's own place in the library; a bundle has all modules in one place. */
const OWN_PLACE = /\/internal\/workers\/worker_modules\.[jt]s$/;

/** The folder of the library. */
const LIBRARY = new URL("../../", import.meta.url);

/** What Deno says of a module that may not be read. */
const UNREADABLE = /^Requires read access to "(.+)", run again with/;

/**
 * Checks that workers can load what they need, so that the program is told once, and what to type.
 *
 * @param service The URL of the library's own module for workers.
 * @param wanted The URL of the module that they are to run: a handler's, or a thread's.
 * @throws {Deno.errors.NotSupported} In a bundle.
 * @throws {Deno.errors.NotCapable} If one of them may not be read.
 */
export function check_worker_modules(service: string, wanted: string): void {
  refuse_bundle(import.meta.url);
  const missing = [];
  const library_is_missing = !may_read(service, LIBRARY);
  if (library_is_missing) missing.push(fileURLToPath(LIBRARY));
  const is_covered = library_is_missing && wanted.startsWith(LIBRARY.href);
  if (!is_covered && !may_read(wanted, wanted)) missing.push(fileURLToPath(wanted));
  if (missing.length > 0) throw unreadable(missing);
}

/**
 * Says what to do about a worker that could not start because it may not read a module of the library:
 * only some of them may be allowed.
 *
 * @param error What it failed with.
 * @returns What to throw.
 */
export function explain_start_error(error: unknown): unknown {
  if (LIBRARY.protocol !== "file:") return error;
  const [, path] = UNREADABLE.exec(image_of(error).message) ?? [];
  const library = fileURLToPath(LIBRARY);
  return path?.startsWith(library) ? unreadable([library], error) : error;
}

/**
 * Refuses to start workers in a bundle, which has none of the modules that they load.
 *
 * @param own_url Where this module is.
 * @throws {Deno.errors.NotSupported} If that is in a bundle.
 */
export function refuse_bundle(own_url: string): void {
  if (OWN_PLACE.test(own_url)) return;
  throw new Deno.errors.NotSupported(
    "Cannot start workers in a bundle, which has no modules for them: a program with workers " +
      "cannot be bundled; use `deno compile` in the place of `deno bundle`, or AsyncMixIn and " +
      "AsyncThread",
  );
}

/**
 * Whether this program may read a module.
 *
 * @param module The module's URL.
 * @param wanted What the program's user is asked for, on a terminal, as Deno itself would ask.
 */
function may_read(module: string, wanted: string | URL): boolean {
  // What a compiled program has with it may be read in any case.
  if (Deno.build.standalone || !module.startsWith("file:")) return true;
  return Deno.permissions.querySync(read_of(module)).state === "granted" ||
    Deno.permissions.requestSync(read_of(wanted)).state === "granted";
}

function read_of(url: string | URL): Deno.ReadPermissionDescriptor {
  return { name: "read", path: fileURLToPath(url) };
}

function unreadable(paths: string[], cause?: unknown): Error {
  // A comma separates the items of the list.
  const list = paths.map((path) => path.replace(/\/$/, "").replaceAll(",", ",,")).join(",");
  const message = `Workers cannot read the modules that they need: add --allow-read=${list}`;
  return new Deno.errors.NotCapable(message, cause === undefined ? {} : { cause });
}
