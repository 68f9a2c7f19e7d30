import { image_of } from "../internal/workers/error_image.ts";

/**
 * Two errors as one, where the second was thrown while the first was on its way: the second, with the
 * first at the end of its causes, as Python chains them.
 *
 * @param later What was thrown second.
 * @param first What was thrown first.
 * @returns `later`, or a plain `Error` that says both where that can carry no cause.
 */
export function chained(later: unknown, first: unknown): unknown {
  try {
    const causes = causes_of(later);
    if (!causes.includes(first)) carry(causes.at(-1), first);
    return later;
  } catch {
    // It is no error, is frozen, or throws when it is looked at.
    const { name, message } = image_of(later);
    return new Error(`finish() threw after handle() had: ${name}: ${message}`, { cause: first });
  }
}

/** An error, and what caused it, one after the other. */
function causes_of(error: unknown): unknown[] {
  const causes = [error];
  for (;;) {
    const { cause } = causes.at(-1) as Error;
    if (cause === undefined) return causes;
    if (causes.includes(cause)) throw new TypeError("An error that is its own cause");
    causes.push(cause);
  }
}

function carry(error: unknown, cause: unknown): void {
  if (!(error instanceof Error)) throw new TypeError("Only an error can carry a cause");
  // As the constructor would have done it.
  const property = { value: cause, writable: true, enumerable: false, configurable: true };
  Object.defineProperty(error, "cause", property);
}
