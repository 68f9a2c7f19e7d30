/** An error as it travels between threads, which structured cloning would strip of its class. */
export interface ErrorImage {
  name: string;
  message: string;
  stack: string | undefined;
  code: unknown;
  cause: ErrorImage | undefined;
}

/** What stands for an error, or for anything else that was thrown. */
export function image_of(thrown: unknown): ErrorImage {
  if (!(thrown instanceof Error)) {
    const message = typeof thrown === "string" ? thrown : Deno.inspect(thrown);
    return { name: "Error", message, stack: undefined, code: undefined, cause: undefined };
  }
  const { name, message, stack, cause, code } = thrown as Error & { code?: unknown };
  return {
    name,
    message,
    stack,
    code: typeof code === "object" || typeof code === "function" ? undefined : code,
    cause: cause === undefined ? undefined : image_of(cause),
  };
}

/** The error again, with its class where that is one of the platform's. */
export function error_of({ name, message, stack, code, cause }: ErrorImage): Error {
  const options = cause ? { cause: error_of(cause) } : undefined;
  const error = new (class_named(name))(message, options);
  if (error.name !== name) error.name = name;
  if (stack !== undefined) error.stack = stack;
  if (code !== undefined && !("code" in error)) Object.assign(error, { code });
  return error;
}

function class_named(name: string): ErrorConstructor {
  const candidates = [
    (Deno.errors as Record<string, unknown>)[name],
    (globalThis as Record<string, unknown>)[name],
  ];
  const found = candidates.find((candidate) =>
    typeof candidate === "function" && candidate.prototype instanceof Error &&
    candidate !== DOMException
  );
  return (found ?? Error) as ErrorConstructor;
}
