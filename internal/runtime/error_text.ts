/**
 * How errors and addresses are shown to people: whatever a client has put into them, a report has no lines
 * but its own, steers no terminal and hides nothing.
 *
 * @module
 */
import { is_instance, links_of } from "./error_names.ts";

/** The most characters of a message, of the properties of an error, and of a line of a stack. */
const MAX_TEXT = 2000;
/** The most characters of all that is shown of an error. */
const MAX_REPORT = 16_384;
/** The most lines of a stack. */
const MAX_FRAMES = 50;
/** The most errors that are shown of one: itself, what caused it, and those it is made of. */
const MAX_ERRORS = 16;

/** Control characters, ends of lines, halves of characters, and what is invisible or turns text around. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** How those are shown that have a short form. */
const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** How many digits the code of a character is shown with, and between what, by the highest such code. */
const FORMS: [highest: number, before: string, digits: number, after: string][] = [
  [0xff, "\\x", 2, ""],
  [0xffff, "\\u", 4, ""],
  [0x10ffff, "\\u{", 5, "}"],
];

/** What names of errors look like. Others could pass for a line of a log. */
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$.]{0,79}$/u;
/** Where the lines of a stack begin, each of them with this. */
const FRAME = "\n    at ";
/** What such a line ends with. */
const PLACE = /:\d+:\d+\)?$|\(native\)$|\(<anonymous>\)$/;

/** How values are shown that are no errors. */
const ON_ONE_LINE: Deno.InspectOptions = {
  breakLength: Infinity,
  compact: true,
  iterableLimit: 20,
  strAbbreviateSize: 200,
};

/** The text on one line, with what could deceive shown as in a string literal (`\n`, `\x1B`, `\u202E`). */
export function printable(text: string): string {
  return shortened(text, MAX_TEXT).replace(DECEPTIVE, escaped);
}

/** All of an error, or of what else was thrown, on lines of its own: with its stack and its causes. */
export function text_of(thrown: unknown): string {
  const lines = [...lines_of(thrown, is_instance(thrown, Error) ? "" : "Thrown: ", new Set())];
  return shortened(lines.join("\n"), MAX_REPORT);
}

/** The name and the message of an error, or what else was thrown, on one line. */
export function line_of(thrown: unknown): string {
  if (!is_instance(thrown, Error)) return printable(shown(thrown));
  const message = message_of(thrown);
  return message === "" ? name_of(thrown) : `${name_of(thrown)}: ${printable(message)}`;
}

/** Where an error was thrown, for telling whether two come from the same place in the code. */
export function place_of(thrown: unknown): string {
  if (!is_instance(thrown, Error)) return typeof thrown;
  return [name_of(thrown), ...frames_of(thrown)].join("\n").slice(0, MAX_TEXT);
}

function* lines_of(thrown: unknown, label: string, seen: Set<unknown>): Generator<string> {
  if (seen.size >= MAX_ERRORS || seen.has(thrown)) return yield `${label}(no more is shown)`;
  seen.add(thrown);
  yield label + line_of(thrown) + properties_of(thrown);
  if (!is_instance(thrown, Error)) return;
  for (const frame of frames_of(thrown)) yield `    at ${printable(frame)}`;
  for (const error of errors_of(thrown)) yield* lines_of(error, "Made of: ", seen);
  const [, cause] = links_of(thrown);
  if (cause !== undefined) yield* lines_of(cause, "Caused by: ", seen);
}

/** What an error is made of, as an `AggregateError` is; it may be anything that throws when it is looked at. */
function errors_of(error: Error): unknown[] {
  try {
    const errors = part_of(error, "errors");
    return Array.isArray(errors) ? Array.prototype.slice.call(errors, 0, MAX_ERRORS) : [];
  } catch {
    return [];
  }
}

/** What else an error has, as its `code`. */
function properties_of(thrown: unknown): string {
  if (!is_instance(thrown, Error)) return "";
  try {
    const own = Object.getOwnPropertyDescriptors(thrown);
    const others = Object.entries(own).filter(([key, { enumerable }]) =>
      enumerable && !["name", "message", "stack", "cause", "errors"].includes(key)
    );
    if (others.length === 0) return "";
    const properties = Object.defineProperties({}, Object.fromEntries(others.slice(0, 20)));
    return ` ${printable(shown(properties))}`;
  } catch {
    return "";
  }
}

function name_of(error: Error): string {
  const name = text_part(error, "name") || "Error";
  return NAME.test(name) ? name : `Error with the name "${printable(name)}"`;
}

function message_of(error: Error): string {
  return text_part(error, "message");
}

/**
 * The lines of the stack without their "at". Before them it repeats the message, of which each line could
 * look like one of them.
 */
function frames_of(error: Error): string[] {
  const stack = text_part(error, "stack");
  const message = message_of(error);
  const repeated = message === "" ? -1 : stack.indexOf(message);
  const start = stack.indexOf(FRAME, repeated < 0 ? 0 : repeated + message.length);
  if (start < 0) return [];
  const frames = stack.slice(start + FRAME.length).split(FRAME, MAX_FRAMES);
  if (repeated >= 0) return frames;
  // The message is another by now: lines of the old one may be among them.
  return frames.filter((frame) => PLACE.test(frame) && !message.includes(frame));
}

/** A text of an error, which may be anything, or throw when it is read. */
export function text_part(error: Error, key: "name" | "message" | "stack"): string {
  const part = part_of(error, key);
  return typeof part === "string" ? part : part === undefined ? "" : shown(part);
}

/** A part of an error, which may throw when it is read. */
function part_of(error: Error, key: string): unknown {
  try {
    return Reflect.get(error, key);
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  try {
    return Deno.inspect(value, ON_ONE_LINE);
  } catch {
    return "(something that cannot be shown)";
  }
}

function escaped(char: string): string {
  const code = char.codePointAt(0)!;
  const [, before, digits, after] = FORMS.find(([highest]) => code <= highest)!;
  return SHORT[char] ?? before + code.toString(16).toUpperCase().padStart(digits, "0") + after;
}

function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const left = (text.length - max).toLocaleString("en");
  return `${text.slice(0, max)} … and ${left} more characters`;
}
