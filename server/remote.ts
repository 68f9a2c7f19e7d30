import type { SharedObject } from "../internal/shared/shared_object.ts";
import type { BaseServer } from "./base_server.ts";
import type { ServerOptions } from "./options.ts";

/**
 * The server as its handlers see it, wherever they run: in a thread or a child process `this.server` is no
 * server, but stands for it. It has the address, the settings, and methods, which run in the server's
 * thread and give promises: those that a class of the program adds, `shutdown()`, `server_close()` and
 * `info()`. Handlers cannot reach anything else there: fields, getters, private members and names that begin
 * with `_`, and what the library's classes have, also where the program overrides it.
 *
 * Handlers in workers have it as the type of `this.server`: write `StreamRequestHandler<Remote<MyServer>>`. A
 * forgotten `await` is an error of the type checker then, where the value is used as a value. Where it
 * is not (in a template, in JSON), the promise itself refuses with a `TypeError`. In a worker, a call that
 * rejects and that nobody awaits is reported to the server's `handle_error()`.
 *
 * @example A server and its handler
 * ```ts
 * import { type Remote, StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 *
 * class CountingServer extends ThreadingTCPServer {
 *   #count = 0;
 *   next(): number {
 *     return ++this.#count;
 *   }
 * }
 *
 * export class CountHandler extends StreamRequestHandler<Remote<CountingServer>> {
 *   override async handle(): Promise<void> {
 *     const number: number = await this.server.next();
 *     await this.wfile.write(`You are number ${number}\n`);
 *   }
 * }
 * ```
 *
 * @typeParam S The type of the server.
 */
export type Remote<S> = {
  readonly [
    K in keyof S as K extends
      | symbol
      | `_${string}`
      | "reload_tls"
      | Exclude<
        keyof BaseServer,
        "server_address" | "info" | "shutdown" | "server_close" | keyof ServerOptions
      > ? never
      : S[K] extends SharedObject | ((...args: never[]) => unknown) ? K
      : K extends
        "server_address" | Exclude<keyof ServerOptions, "allow" | "deny" | "observer" | "tls"> ? K
      : never
  ]: S[K] extends (...args: never[]) => Promise<unknown> ? S[K]
    : S[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>>
    : S[K];
};
