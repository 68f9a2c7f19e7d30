/**
 * Modules of Node that are loaded when they are first used. A server of connections needs only `node:net`, a worker none
 * of them, and they would take a good part of the start of each.
 *
 * @module
 */
import process from "node:process";

let child_process: typeof import("node:child_process") | undefined;
let crypto: typeof import("node:crypto") | undefined;
let dgram: typeof import("node:dgram") | undefined;
let dns: typeof import("node:dns") | undefined;
let net: typeof import("node:net") | undefined;
let tls: typeof import("node:tls") | undefined;

/** The modules, by their names. */
export const late = {
  get child_process(): typeof import("node:child_process") {
    return child_process ??= process.getBuiltinModule("node:child_process");
  },
  get crypto(): typeof import("node:crypto") {
    return crypto ??= process.getBuiltinModule("node:crypto");
  },
  get dgram(): typeof import("node:dgram") {
    return dgram ??= process.getBuiltinModule("node:dgram");
  },
  get dns(): typeof import("node:dns") {
    return dns ??= process.getBuiltinModule("node:dns");
  },
  get net(): typeof import("node:net") {
    return net ??= process.getBuiltinModule("node:net");
  },
  get tls(): typeof import("node:tls") {
    return tls ??= process.getBuiltinModule("node:tls");
  },
};
