import { load_module } from "../workers/class_place.ts";
import { sharing } from "../workers/sharing.ts";

/** A function as it travels: by its module and its name there. */
export interface FunctionHandle {
  module: string;
  name: string;
  /** Of its text: a namesake is never called in error. */
  hash: number;
}

/** Where modules are that may be loaded for a function: code in the URL itself is no module of a program. */
const MODULE_URL = /^(file|https?|jsr|npm):/;

/** Where a function that came from elsewhere can be found again. */
const places = new WeakMap<object, FunctionHandle>();

/**
 * How a function travels. What cannot be found elsewhere is told so there; what has no name, here.
 *
 * @param fn The function; `module` says which module exports it.
 * @param options Which module does if the function does not say so, and what else may be done, for the error.
 * @throws {TypeError} If it has no name of its own.
 */
export function handle_of_function(
  fn: { name: string; module?: unknown },
  options: { module?: string | undefined; otherwise?: string } = {},
): FunctionHandle {
  const place = places.get(fn);
  if (place) return place;
  const { name, module = options.module ?? sharing.main_module } = fn;
  if (!name || name.startsWith("bound ")) {
    throw new TypeError(
      `Cannot find the function ${name || "without a name"} in another thread or process: ` +
        `give it a name, and export it from its module${options.otherwise ?? ""}`,
    );
  }
  return { module: String(module), name, hash: hash_of(String(fn)) };
}

/**
 * The function of a handle.
 *
 * @param otherwise What else may be done where it is not found, for the error.
 * @throws {TypeError} If its module does not export it.
 */
export async function function_of(handle: FunctionHandle, otherwise = ""): Promise<unknown> {
  const { module, name, hash } = handle;
  // What the program itself tells its workers to run is its own affair.
  if (!sharing.parent && !MODULE_URL.test(module)) {
    throw new TypeError(`${module} is no module with functions`);
  }
  const exports = await load_module(module, `the function ${name}`);
  const candidates = [exports[name], exports.default, ...Object.values(exports)];
  const found = candidates.find((value) =>
    typeof value === "function" && value.name === name && hash_of(String(value)) === hash
  );
  if (found) {
    // It may travel on from here.
    places.set(found as object, handle);
    return found;
  }
  throw new TypeError(
    `Cannot find the function ${name} in a worker: ${module} does not export it; export it, ` +
      `or say where it is with ${name}.module = import.meta.url${otherwise}`,
  );
}

/**
 * Stands for a function where its module cannot be loaded yet: the program's main module, which may wait
 * for something itself. When it is called the module is loaded, and so it gives a promise.
 */
export function stand_in(handle: FunctionHandle): (...args: unknown[]) => Promise<unknown> {
  const stands = async (...args: unknown[]) => {
    const found = await function_of(handle) as (...args: unknown[]) => unknown;
    return await found(...args);
  };
  places.set(stands, handle);
  return Object.defineProperty(stands, "name", { value: handle.name });
}

/** FNV-1a: not against malice, but against namesakes. */
function hash_of(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
