import { client_fault, is_noted_fault } from "../runtime/client_fault.ts";

/** An error as it travels between threads, which structured cloning would strip of its class. */
export interface ErrorImage {
  name: string;
  message: string;
  stack: string | undefined;
  code: string | number | undefined;
  cause: ErrorImage | undefined;
  /** What else errors of its class have, by the names. */
  parts?: Record<string, PartImage>;
  /** Whether it is a `DOMException`, whose name says of which kind. */
  is_dom?: true;
  /** Whether it was noted as a client's own fault. */
  is_client_fault?: true;
}

/** What a part of an error is, as it travels: errors as their images. */
type PartImage = string | number | null | ErrorImage | ErrorImage[];

/** How many errors that are parts of another one are sent. */
const PARTS = 100;

/** How many causes of an error are sent, each the cause of the one before. */
const CAUSES = 16;

/** Which errors an image is of: those around it, and how many more may be parts. */
interface Around {
  outer: unknown[];
  room: { left: number };
}

/** What stands for an error, or for anything else that was thrown. */
export function image_of(thrown: unknown): ErrorImage {
  return image_within(thrown, { outer: [], room: { left: PARTS } });
}

function image_within(thrown: unknown, { outer, room }: Around): ErrorImage {
  try {
    if (!(thrown instanceof Error)) {
      return image(typeof thrown === "string" ? thrown : Deno.inspect(thrown));
    }
    const { name, message, stack, cause, code } = thrown as Error & { code?: unknown };
    const around = { outer: [...outer, thrown], room };
    const parts = parts_of(thrown, own_parts(name), around);
    return {
      name: typeof name === "string" ? name : "Error",
      message: typeof message === "string" ? message : Deno.inspect(message),
      stack: typeof stack === "string" ? stack : undefined,
      code: typeof code === "string" || typeof code === "number" ? code : undefined,
      cause: cause_of(cause, around),
      ...(parts && { parts }),
      ...(thrown instanceof DOMException && { is_dom: true }),
      ...(is_noted_fault(thrown) && { is_client_fault: true }),
    };
  } catch {
    // It throws when it is read or inspected.
    return image("An error that cannot be read");
  }
}

/** The image of a cause; the last one stands for all that follow. */
function cause_of(cause: unknown, around: Around): ErrorImage | undefined {
  const { outer } = around;
  if (cause === undefined || outer.includes(cause)) return undefined;
  if (outer.length >= CAUSES) return image("Further causes were left out");
  return image_within(cause, around);
}

function parts_of(
  error: Error,
  names: readonly string[],
  around: Around,
): Record<string, PartImage> | undefined {
  if (names.length === 0) return undefined;
  const images = names.map((name) => [name, part_image(Reflect.get(error, name), around)]);
  return Object.fromEntries(images);
}

function part_image(part: unknown, around: Around): PartImage {
  if (part === null || typeof part === "string" || typeof part === "number") return part;
  if (!Array.isArray(part)) return error_within(part, around);
  // Not by its own methods, which may be anything.
  const length = Math.min(part.length, PARTS);
  return Array.from({ length }, (_, at) => error_within(part[at], around));
}

function error_within(part: unknown, around: Around): ErrorImage {
  const { outer, room } = around;
  const is_left_out = outer.length >= CAUSES || outer.includes(part) || --room.left < 0;
  return is_left_out ? image("Further errors were left out") : image_within(part, around);
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

function plain_error_of({ name, message, code, cause, parts }: ErrorImage): Error {
  const error = new Error(message, cause && { cause: error_of(cause) });
  // Not by its constructor: those of some classes take other arguments.
  Object.setPrototypeOf(error, prototype_named(name));
  if (error.name !== name) error.name = name;
  if (code !== undefined) Object.assign(error, { code });
  for (const part of parts ? own_parts(name) : []) {
    Object.defineProperty(error, part, {
      value: part_of(parts![part]!),
      configurable: true,
      // As the errors of the class have it.
      enumerable: classes.has(name),
      writable: true,
    });
  }
  return error;
}

function part_of(part: PartImage): unknown {
  if (part === null || typeof part !== "object") return part;
  return Array.isArray(part) ? part.map(error_of) : error_of(part);
}

/** Classes of errors that are not the platform's, by their names. */
const classes = new Map<string, unknown>();

/** What errors of some classes have that others have not, by the names of the classes. */
const parts = new Map<string, readonly string[]>([
  ["AggregateError", ["errors"]],
  ["SuppressedError", ["error", "suppressed"]],
]);

/**
 * Has errors of a class keep it on the way from other threads and processes, where it is known.
 *
 * @param Class The class.
 * @param own What its errors have that others have not: texts, numbers, errors and arrays of them.
 */
export function know_error(
  Class: new (...args: never[]) => Error,
  own: readonly string[] = [],
): void {
  classes.set(Class.name, Class);
  parts.set(Class.name, own);
}

function own_parts(name: unknown): readonly string[] {
  return parts.get(name as string) ?? [];
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
