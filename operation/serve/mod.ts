/**
 * A program that makes a server of a file that exports a request handler.
 *
 * ```sh
 * deno run -A jsr:@socketserver/socketserver/serve handler.ts --threading --port 8000
 * ```
 *
 * The handler is given by a path, a URL or a `jsr:` package, and is its default export, its only one, or the
 * one that is named behind it. `--help` shows the flags; each setting of the servers has one.
 * It ends at SIGINT and SIGTERM, when requests have ended; at the second one at once.
 *
 * Exit codes: 0 when it was stopped, 1 if it could not listen or the handler failed to load, 2 if the command line
 * is wrong, 130 and 143 at a second signal.
 *
 * ## Permissions
 *
 * Those of the server and of the handler, and `--allow-read` for the handler's file; for one at a URL
 * `--allow-import` for its host. [docs/serve.md](../../docs/serve.md#permissions) has the table.
 *
 * @module
 */
import { program } from "./program.ts";

// What the handler's module has begun must not keep it alive.
if (import.meta.main) Deno.exit(await program(Deno.args));
