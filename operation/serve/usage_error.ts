import { printable } from "../../internal/runtime/error_text.ts";

/** The command line is wrong: one line says what to type. */
export class UsageError extends Error {
  override name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    // What was typed may have ends of lines.
    super(printable(message), options);
  }
}
