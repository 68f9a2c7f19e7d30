import { stripVTControlCharacters } from "node:util";

/** What the message of an error of Deno begins or ends with, and says nothing. */
const NOISE = /^(SyntaxError: |\[\w+\] )|\.$/g;

/** A line of a stack, or of a message that shows code. */
const FRAME = /^ +at .+$/m;

/**
 * What was thrown, in one line.
 *
 * @param is_placed Whether to say where it was thrown; a message that says so is enough.
 */
export function error_line(thrown: unknown, is_placed = false): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const text = stripVTControlCharacters(error.message || error.name);
  const [first = ""] = text.split("\n");
  const [frame] = FRAME.exec(text) ?? FRAME.exec(is_placed ? error.stack ?? "" : "") ?? [];
  return [first.replaceAll(NOISE, ""), frame?.trim()].filter(Boolean).join(", ");
}
