/**
 * Modules of Node that are loaded when they are first used. Few servers need any of them, and together they would take
 * some milliseconds of each program's start, and as many of each worker's.
 *
 * @module
 */
import process from "node:process";

/** Each is loaded by its name here. */
export const late = {
  get child_process(): typeof import("node:child_process") {
    return process.getBuiltinModule("node:child_process");
  },
  get crypto(): typeof import("node:crypto") {
    return process.getBuiltinModule("node:crypto");
  },
  get dgram(): typeof import("node:dgram") {
    return process.getBuiltinModule("node:dgram");
  },
  get dns(): typeof import("node:dns") {
    return process.getBuiltinModule("node:dns");
  },
  get tls(): typeof import("node:tls") {
    return process.getBuiltinModule("node:tls");
  },
};
