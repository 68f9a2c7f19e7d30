/**
 * Prints to standard error, each item on a line of its own. It is the last resort, and never throws: an
 * error may throw when it is inspected, and standard error may be full or closed.
 */
export function print_error(...items: unknown[]): void {
  for (const item of items) if (!is_printed(item)) is_printed("(an error that cannot be printed)");
}

function is_printed(item: unknown): boolean {
  try {
    console.error(item);
    return true;
  } catch {
    return false;
  }
}
