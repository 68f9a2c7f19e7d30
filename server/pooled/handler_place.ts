import { image_of } from "../../internal/workers/error_image.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { RequestHandlerConstructor } from "../requests/request_handler.ts";

/** Where a worker finds the handler class. */
export interface HandlerPlace {
  /** The module's URL. */
  module: string;
  /** The name of the export. */
  name: string;
}

const HINT = "export the class from the main module, or say where it is with " +
  "`static override module = import.meta.url`";

/**
 * Says where workers find a handler class.
 *
 * @throws {TypeError} If the class has no name.
 * @throws {Deno.errors.NotCapable} If the main module is needed and may not be read.
 */
export function place_of(Handler: RequestHandlerConstructor): HandlerPlace {
  if (!Handler.name) {
    throw new TypeError(
      `Cannot find a handler class without a name in a worker: name it, and ${HINT}`,
    );
  }
  return { module: Handler.module ?? Deno.mainModule, name: Handler.name };
}

/**
 * Finds a handler class in a worker.
 *
 * @throws {TypeError} If it is not there, or the module fails to load; it says what to write.
 */
export async function load_handler(
  { module, name }: HandlerPlace,
): Promise<RequestHandlerConstructor> {
  const exports = await load(module, name);
  // The default export may be another handler, and this one not exported at all.
  const found = [exports[name], exports.default].find((value) => is_handler(value, name));
  if (found) return found as RequestHandlerConstructor;
  throw new TypeError(
    `Cannot find the handler class ${name} in a worker: ${module} does not export it; ${HINT}`,
  );
}

function is_handler(value: unknown, name: string): boolean {
  return typeof value === "function" && value.name === name;
}

async function load(module: string, name: string): Promise<Record<string, unknown>> {
  sharing.is_loading = true;
  try {
    return await import(module);
  } catch (cause) {
    const reason = image_of(cause).message;
    throw new TypeError(
      `Cannot load ${module}, the module of the handler class ${name}, in a worker: ${reason}`,
      { cause },
    );
  } finally {
    sharing.is_loading = false;
  }
}

/**
 * Refuses to make a server while a worker loads its handler's module: the module is the program
 * itself, and starts a server wherever it is imported.
 *
 * @throws {Deno.errors.NotSupported} If that is so.
 */
export function refuse_while_loading(): void {
  if (!sharing.is_loading) return;
  throw new Deno.errors.NotSupported(
    "A server is made while a worker imports this module for its handler class: " +
      "make it under `if (import.meta.main)`, or put the handler into a module of its own that " +
      "says `static override module = import.meta.url`",
  );
}
