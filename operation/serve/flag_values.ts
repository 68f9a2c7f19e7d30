import type { SettingKind } from "../../server/options.ts";
import type { FlagRule, ValueFlag } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** The units of times, in milliseconds. */
const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What a text stands for; the rule of the flag says whether that will do. */
const READ: Record<SettingKind, (text: string) => unknown> = {
  switch: (text) => text === "true",
  count: (text) => text === "infinity" ? Infinity : whole_number(text),
  time: (text) => text === "none" ? null : milliseconds(text),
  choice: (text) => text,
  list: (text) => text.split(","),
  socket: (text) => text === "systemd" || (/^\d+$/.test(text) ? Number(text) : text),
};

function whole_number(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

/** A time in milliseconds, unless it has a unit. */
function milliseconds(text: string): number {
  const [, number, unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  return number === undefined ? NaN : Number(number) * UNITS[unit]!;
}

/**
 * The value of a flag.
 *
 * @throws {UsageError} If it has none, or one that will not do.
 */
export function value_of(flag: ValueFlag, text: string): unknown {
  const { name, sample, rule } = flag;
  if (text === "") {
    throw new UsageError(`There is no value for --${name}: write --${name} ${sample}`);
  }
  if (!rule?.kind) return text;
  const value = READ[rule.kind](text);
  if (rule.check(value)) return value;
  throw new UsageError(`Cannot use --${name} ${text}: it must be ${words_of(rule)}`);
}

/** The words of a rule, as they are typed here. */
function words_of({ words, kind }: FlagRule): string {
  return words.replace("0 or more milliseconds", "a time, such as 500ms, 30s or 5m")
    .replace("null", kind === "time" ? "none" : "")
    .replace("Infinity", "infinity")
    .replace(/, or $/, "")
    .replaceAll(/["[\]]/g, "");
}

/** A value as it would be typed. */
export function text_of(value: unknown, kind: SettingKind): string {
  if (value === null && kind === "list") return "not set";
  if (value === null || value === Infinity) return kind === "count" ? "infinity" : "none";
  if (Array.isArray(value)) return value.join(",") || "none";
  if (kind === "socket") return "none";
  if (kind !== "time") return String(value);
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => Number(value) % size === 0)!;
  return `${Number(value) / size}${unit}`;
}
