import { check_names } from "../../internal/runtime/check_names.ts";
import { check_function } from "../../internal/runtime/check_function.ts";
import { print } from "../../internal/runtime/standard_error.ts";

/** The most characters that wait until standard error takes them. */
const ROOM = 4_194_304;

/** What a log can be told. */
export interface LogOptions {
  /**
   * Called with each line, without its end, such as `console.log`. Unless told, lines go to standard error, which is
   * never waited for: if it takes nothing, what is more than 4 MiB of them is left out, and that is said.
   */
  write?: (line: string) => void;
}

/** What writes the lines of a log. */
export function writer_of(options: LogOptions): (line: string) => void {
  check_names(options, ["write"]);
  check_function("write", options.write);
  return options.write ?? ((line) => print(line, ROOM));
}
