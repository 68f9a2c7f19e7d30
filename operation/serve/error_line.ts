import { stripVTControlCharacters } from "node:util";

/** What the message of an error of Deno begins or ends with, and says nothing. */
const NOISE = /^(SyntaxError: |\[\w+\] )|\.$/g;

/** A line of a stack, or of a message that shows code. */
const FRAME = /^ +at .+$/gm;

/**
 * What was thrown, in one line.
 *
 * @param module The module in which to say where it was thrown; a message that says so is enough.
 */
export function error_line(thrown: unknown, module?: string): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const text = stripVTControlCharacters(error.message || error.name);
  const [first = ""] = text.split("\n");
  const frames = error.stack?.match(FRAME) ?? [];
  const place = text.match(FRAME)?.[0] ?? frames.find((frame) => module && frame.includes(module));
  return [first.replaceAll(NOISE, ""), place?.trim()].filter(Boolean).join(", ");
}
