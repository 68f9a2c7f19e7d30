/**
 * How the examples show what strangers sent.
 *
 * @module
 */

/** What would forge lines or steer a terminal: control characters, invisible ones, ends of lines. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with what would forge lines or steer a terminal as `%0A` and so on. */
export function printable(text: string): string {
  return text.replace(CONTROL, encodeURIComponent);
}
