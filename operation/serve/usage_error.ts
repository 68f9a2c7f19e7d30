/** The command line is wrong: one line says what to type. */
export class UsageError extends Error {
  override name = "UsageError";
}
