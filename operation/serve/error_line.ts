import { stripVTControlCharacters } from "node:util";
import { is_instance } from "../../internal/runtime/error_names.ts";
import { line_of, printable, text_part } from "../../internal/runtime/error_text.ts";

/** What the message of an error of Deno begins or ends with, and says nothing. */
const NOISE = /^(SyntaxError: |\[\w+\] )|\.$/g;

/** A line of a stack, or of a message that shows code. */
const FRAME = /^ +at .+$/gm;

/** A line that says something. */
const SAYS = /^.*\S.*$/m;

/**
 * What was thrown, in one line.
 *
 * @param module The module in which to say where it was thrown; a message that says so is enough.
 */
export function error_line(thrown: unknown, module?: string): string {
  if (typeof thrown === "string") return printable(thrown);
  if (!is_instance(thrown, Error)) return line_of(thrown);
  const [message, name, stack] = (["message", "name", "stack"] as const)
    .map((key) => stripVTControlCharacters(text_part(thrown, key))) as [string, string, string];
  const [first] = SAYS.exec(message) ?? [name];
  const frames = stack.match(FRAME) ?? [];
  const place = message.match(FRAME)?.[0] ??
    frames.find((frame) => module && frame.includes(module));
  return printable([first.replaceAll(NOISE, ""), place?.trim()].filter(Boolean).join(", "));
}
