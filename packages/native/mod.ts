/**
 * UDP servers at the limit of the machine, over calls of the C library that take and send many datagrams at once.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver jsr:@socketserver/native
 * ```
 *
 * {@linkcode NativeMixIn} is all there is.
 *
 * ## Permissions
 *
 * `--allow-ffi`, or `--allow-ffi=PATH` of the C library, besides those of `UDPServer`. With it a program can do
 * what its user can: [README.md](README.md) says more.
 *
 * @module
 */
export { NativeMixIn, type NativeStatics, type UDPServerClass } from "./native_mixin.ts";
