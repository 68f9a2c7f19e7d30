import { client_fault, is_noted_fault } from "../runtime/client_fault.ts";

/** An error as it travels between threads, which structured cloning would strip of its class. */
export interface ErrorImage {
  name: string;
  message: string;
  stack: string | undefined;
  code: string | number | undefined;
  cause: ErrorImage | undefined;
  /** Whether it is a `DOMException`, whose name says of which kind. */
  is_dom?: true;
  /** Whether it was noted as a client's own fault. */
  is_client_fault?: true;
}

/** How many causes of an error are sent, each the cause of the one before. */
const CAUSES = 16;

/** What stands for an error, or for anything else that was thrown. */
export function image_of(thrown: unknown, outer: unknown[] = []): ErrorImage {
  try {
    if (!(thrown instanceof Error)) {
      return image(typeof thrown === "string" ? thrown : Deno.inspect(thrown));
    }
    const { name, message, stack, cause, code } = thrown as Error & { code?: unknown };
    return {
      name: typeof name === "string" ? name : "Error",
      message: typeof message === "string" ? message : Deno.inspect(message),
      stack: typeof stack === "string" ? stack : undefined,
      code: typeof code === "string" || typeof code === "number" ? code : undefined,
      cause: cause_of(cause, [...outer, thrown]),
      ...(thrown instanceof DOMException && { is_dom: true }),
      ...(is_noted_fault(thrown) && { is_client_fault: true }),
    };
  } catch {
    // It throws when it is read or inspected.
    return image("An error that cannot be read");
  }
}

/** The image of a cause; the last one stands for all that follow. */
function cause_of(cause: unknown, outer: unknown[]): ErrorImage | undefined {
  if (cause === undefined || outer.includes(cause)) return undefined;
  return outer.length < CAUSES ? image_of(cause, outer) : image("Further causes were left out");
}

function image(message: string): ErrorImage {
  return { name: "Error", message, stack: undefined, code: undefined, cause: undefined };
}

/**
 * The error again, with its class where that is one of the platform's.
 *
 * @throws {TypeError} If it is no image of an error.
 */
export function error_of(image: ErrorImage): Error {
  const { name, message, stack = "" } = image;
  if ([name, message, stack].some((part) => typeof part !== "string")) {
    throw new TypeError("This is no image of an error");
  }
  const error = image.is_dom ? new DOMException(image.message, image.name) : plain_error_of(image);
  if (image.stack !== undefined) error.stack = image.stack;
  return image.is_client_fault ? client_fault(error) : error;
}

function plain_error_of({ name, message, code, cause }: ErrorImage): Error {
  const error = new Error(message, cause && { cause: error_of(cause) });
  // Not by its constructor: those of some classes take other arguments.
  Object.setPrototypeOf(error, prototype_named(name));
  if (error.name !== name) error.name = name;
  if (code !== undefined) Object.assign(error, { code });
  return error;
}

/** Classes of errors that are not the platform's, by their names. */
const classes = new Map<string, unknown>();

/** Has errors of a class keep it on the way from other threads and processes, where it is known. */
export function know_error(Class: new (...args: never[]) => Error): void {
  classes.set(Class.name, Class);
}

function prototype_named(name: string): Error {
  const candidates = [
    classes.get(name),
    Reflect.get(Deno.errors, name),
    Reflect.get(globalThis, name),
  ];
  const found = candidates.find((candidate) =>
    typeof candidate === "function" && candidate.prototype instanceof Error &&
    candidate !== DOMException
  );
  return (found ?? Error).prototype;
}
