import { is_instance, names_of } from "../../internal/runtime/error_names.ts";
import { printable, text_part } from "../../internal/runtime/error_text.ts";
import { print } from "../../internal/runtime/standard_error.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { Constructor } from "../../server/mixin.ts";
import type { BaseServer, RequestHandlerConstructor } from "../../mod.ts";
import { error_line } from "./error_line.ts";
import { file_url } from "./file_url.ts";
import { UsageError } from "./usage_error.ts";

/** What a file has for a server. */
export interface HandlerFile {
  Handler: RequestHandlerConstructor;
  /** What the handler is called. */
  name: string;
  /** The server classes that it exports: handlers may need one of them. */
  Servers: Constructor<BaseServer>[];
}

/** A URL, or what Deno takes in its place; one letter is the name of a disk. */
const SPECIFIER = /^[a-z][a-z\d+.-]+:/i;

/** After so many ms without an end, a module that is loaded may be waiting for its own server. */
const LONG = 3000;

/**
 * Loads the handler of a file. Workers, and functions that run elsewhere, find that file as the main module.
 *
 * @param place The file's path, a URL, or a `jsr:` package.
 * @param name The export that is the handler; without it the default export, or the only one.
 * @throws {UsageError} If there is no such file, it is not allowed or no program, or has no such handler.
 * @throws {Error} If the file itself throws.
 */
export async function load_handler(place: string, name: string | undefined): Promise<HandlerFile> {
  const module = SPECIFIER.test(place) ? place : file_url(place).href;
  const exports = await load(module, place);
  const Handler = handler_of(exports, place, name);
  sharing.main_module = module;
  // What it has from a class that it extends is that one's module.
  if (!Object.hasOwn(Handler, "module")) Handler.module = module;
  const Servers = Object.values(exports).filter(is_server);
  return { Handler, name: named(Handler.name) ? Handler.name : place, Servers };
}

async function load(module: string, place: string): Promise<Record<string, unknown>> {
  const timer = setTimeout(() => {
    print(
      `${
        printable(place)
      } is still loading: what starts a server there belongs under if (import.meta.main)`,
    );
  }, LONG);
  try {
    return await import(module);
  } catch (error) {
    const Kind = is_of_loader(error) ? UsageError : Error;
    throw new Kind(`Cannot load ${printable(place)}: ${error_line(error, module)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** A line of a stack that says what was running, and not only who waits for it. */
const RUNNING = /^ +at (?!async )/m;

/** Whether an error says that a module cannot be had, or is no program; it did not run then. */
function is_of_loader(error: unknown): boolean {
  if (is_instance(error, SyntaxError)) return !RUNNING.test(text_part(error, "stack"));
  return names_of(error).code === "ERR_MODULE_NOT_FOUND";
}

/** Whether a value is a class whose instances have this method. */
function is_class_with(value: unknown, method: string): value is { name: string } {
  return typeof value === "function" && typeof value.prototype?.[method] === "function";
}

/** Not `instanceof`: it may be made with another version of this package. */
function is_handler(value: unknown): value is RequestHandlerConstructor {
  return is_class_with(value, "run");
}

function is_server(value: unknown): value is Constructor<BaseServer> {
  return is_class_with(value, "serve_forever");
}

function named(name: string): boolean {
  return name !== "" && name !== "default";
}

function handler_of(
  exports: Record<string, unknown>,
  place: string,
  name: string | undefined,
): RequestHandlerConstructor {
  const names = Object.keys(exports).filter((key) => is_handler(exports[key]));
  const found = exports[name ?? (is_handler(exports.default) ? "default" : names[0]!)];
  if (name !== undefined && !is_handler(found)) {
    const what = names.length > 0 ? `it has ${names.join(", ")}` : "it exports none";
    throw new UsageError(`There is no handler ${name} in ${place}: ${what}`);
  }
  if (names.length === 0) {
    throw new UsageError(
      `There is no handler in ${place}: write export before a class that extends StreamRequestHandler`,
    );
  }
  if (!name && !is_handler(exports.default) && names.length > 1) {
    throw new UsageError(
      `There are ${names.length} handlers in ${place}: write ${names.join(" or ")} behind it`,
    );
  }
  return found as RequestHandlerConstructor;
}
