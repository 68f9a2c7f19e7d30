import type { BaseServer, ServerObserver } from "../../mod.ts";
import { tls_options } from "./certificates.ts";
import type { ServeCommand } from "./command_line.ts";
import { error_line } from "./error_line.ts";
import { with_flags } from "./flags.ts";
import type { HandlerFile } from "./handler_file.ts";
import { server_class } from "./server_class.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Makes the server that a command asks for, which listens then.
 *
 * @throws {UsageError} If a setting makes no sense, or is about what does not exist.
 * @throws {Error} If it cannot listen there.
 */
export function new_server(
  command: ServeCommand,
  file: HandlerFile,
  observer: ServerObserver | null,
): BaseServer {
  const Server = server_class(command, file);
  const options = {
    ...command.settings,
    ...(command.tls && { tls: tls_options(command.tls) }),
    ...(observer && { observer }),
  };
  try {
    return new Server(command.address, file.Handler, options);
  } catch (error) {
    const Kind = is_usage(error) ? UsageError : Error;
    throw new Kind(why_not(error, command), { cause: error });
  }
}

/** Whether an error is about what was typed. */
function is_usage(error: unknown): boolean {
  return [RangeError, TypeError, Deno.errors.NotSupported, Deno.errors.NotFound]
    .some((kind) => error instanceof kind);
}

/** Why a server could not be made. */
function why_not(error: unknown, { address }: ServeCommand): string {
  const line = with_flags(error_line(error));
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `Cannot listen: ${line}: write a --host that is this machine's`;
  }
  const text = line.startsWith("Cannot") ? line : `Cannot listen: ${line}`;
  if (!(error instanceof Deno.errors.AddrInUse)) return text;
  if (typeof address === "string") return `${text}: write another --unix PATH`;
  const other = address.port < 65_535 ? address.port + 1 : address.port - 1;
  return `${text}: write --port ${other}, or --port 0 for any that is free`;
}
