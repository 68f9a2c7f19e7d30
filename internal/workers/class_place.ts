import { image_of } from "./error_image.ts";
import { sharing } from "./sharing.ts";

/** Where a worker finds a class: it cannot be sent there. */
export interface ClassPlace {
  /** What it is called in messages: `"handler class"`, for example. */
  noun: string;
  /** The module's URL. */
  module: string;
  /** The name of the export. */
  name: string;
}

/** A class that may say which module exports it. */
interface Placed {
  readonly name: string;
  readonly module?: string;
}

const HINT = "export the class from the main module, or say where it is with " +
  "`static override module = import.meta.url`";

/**
 * Says where workers find a class.
 *
 * @param noun What it is called in messages.
 * @throws {TypeError} If the class has no name.
 */
export function place_of({ name, module = sharing.main_module }: Placed, noun: string): ClassPlace {
  if (name) return { noun, module, name };
  throw new TypeError(`Cannot find a ${noun} without a name in a worker: name it, and ${HINT}`);
}

/**
 * Finds a class in a worker.
 *
 * @throws {TypeError} If it is not there, or the module fails to load; it says what to write.
 */
export async function load_class({ noun, module, name }: ClassPlace): Promise<unknown> {
  const exports = await load_module(module, `the ${noun} ${name}`);
  // The default export may be another one, and this one not exported at all.
  const found = [exports[name], exports.default].find((value) => is_class(value, name));
  if (found) return found;
  throw new TypeError(
    `Cannot find the ${noun} ${name} in a worker: ${module} does not export it; ${HINT}`,
  );
}

function is_class(value: unknown, name: string): boolean {
  return typeof value === "function" && value.name === name;
}

/**
 * Loads a module in a worker.
 *
 * @param what Whose module it is.
 * @throws {TypeError} If that fails.
 */
export async function load_module(module: string, what: string): Promise<Record<string, unknown>> {
  try {
    return await import(module);
  } catch (cause) {
    const reason = image_of(cause).message;
    throw new TypeError(`Cannot load ${module}, the module of ${what}, in a worker: ${reason}`, {
      cause,
    });
  }
}

/**
 * Refuses to begin something while a worker loads a module: the module is the program itself, and begins it
 * wherever it is imported.
 *
 * @param what What is begun: `"A server is made"`.
 * @throws {Deno.errors.NotSupported} If that is so.
 */
export function refuse_while_loading(what: string): void {
  if (!sharing.is_loading) return;
  throw new Deno.errors.NotSupported(
    `${what} while a worker imports this module, to find what it runs: ` +
      "do that under `if (import.meta.main)`; or put what workers run into a module of its own, which " +
      "says where it is: `f.module = import.meta.url`, `static override module = import.meta.url`",
  );
}
