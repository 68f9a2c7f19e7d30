import config from "../../deno.json" with { type: "json" };
import { print, written } from "../../internal/runtime/standard_error.ts";
import { format_address } from "../../server/address.ts";
import type { Settings } from "../../server/options.ts";
import type { BaseServer, ServerObserver } from "../../mod.ts";
import { read_command_line, type ServeCommand } from "./command_line.ts";
import { error_line } from "./error_line.ts";
import { with_flags } from "./flags.ts";
import { type HandlerFile, load_handler } from "./handler_file.ts";
import { full_help, HELP } from "./help.ts";
import { server_class } from "./server_class.ts";
import { StatusLine } from "./status_line.ts";
import { UsageError } from "./usage_error.ts";

/** The command line is wrong. */
const USAGE = 2;

/**
 * Runs the program; what goes wrong is one line.
 *
 * @returns The exit code.
 */
export async function program(args: string[]): Promise<number> {
  const failure = await run(args).then(() => undefined, (error: unknown) => ({ error }));
  await written();
  if (!failure) return 0;
  const { error } = failure;
  // This one is waited for: it is the last thing that is said.
  console.error(args.includes("--verbose") ? error : error_line(error));
  return error instanceof UsageError ? USAGE : 1;
}

async function run(args: string[]): Promise<void> {
  const command = read_command_line(args);
  if (command === "help") console.log(HELP.trimEnd());
  else if (command === "help all") console.log(full_help().trimEnd());
  else if (command === "version") console.log(config.version);
  else await serve(command);
}

async function serve(command: ServeCommand): Promise<void> {
  for (const name of ["tls", "monitor"] as const) {
    if (command[name]) throw new UsageError(`Cannot use --${name}: this version does not have it`);
  }
  const file = await load_handler(command.handler, command.name);
  await using server = make_server(command, file, await observer_for(command.log));
  using shown = new DisposableStack();
  if (!command.quiet) when_it_serves(server, () => show(server, file.name, shown));
  const { grace } = command;
  await server.serve_forever({
    stop_on: ["SIGINT", "SIGTERM"],
    ...(grace !== undefined && { grace }),
  });
}

/** Calls something when a server takes its first request: its workers are ready then. */
function when_it_serves(server: BaseServer, call: () => void): void {
  server.get_request = () => {
    Reflect.deleteProperty(server, "get_request");
    call();
    return server.get_request();
  };
}

/** Says where a server is, and on a terminal what it is doing. */
function show(server: BaseServer, name: string, shown: DisposableStack): void {
  print(headline(name, server));
  if (Deno.stderr.isTerminal()) shown.use(new StatusLine(() => server.info()));
}

/** What writes the log; nothing of it is loaded where there is none. */
async function observer_for(log: ServeCommand["log"]): Promise<ServerObserver | null> {
  if (log === "none") return null;
  const { json_log, text_log } = await import("../monitor/mod.ts");
  return log === "json" ? json_log() : text_log();
}

/**
 * Makes the server, which listens then.
 *
 * @throws {UsageError} If a setting makes no sense, or is about what does not exist.
 * @throws {Error} If it cannot listen there.
 */
function make_server(
  command: ServeCommand,
  file: HandlerFile,
  observer: ServerObserver | null,
): BaseServer {
  const Server = server_class(command, file);
  try {
    return new Server(command.address, file.Handler, {
      ...command.settings,
      ...(observer && { observer }),
    });
  } catch (error) {
    const Kind = is_usage(error) ? UsageError : Error;
    throw new Kind(why_not(error, command), { cause: error });
  }
}

/** Why a server could not be made. */
function why_not(error: unknown, { address }: ServeCommand): string {
  const line = with_flags(error_line(error));
  const text = line.startsWith("Cannot") ? line : `Cannot listen: ${line}`;
  if (!(error instanceof Deno.errors.AddrInUse)) return text;
  if (typeof address === "string") return `${text}: write another --unix PATH`;
  return `${text}: write --port ${address.port + 1}, or --port 0 for any that is free`;
}

/** Whether an error is about what was typed. */
function is_usage(error: unknown): boolean {
  return [RangeError, TypeError, Deno.errors.NotSupported, Deno.errors.NotFound]
    .some((kind) => error instanceof kind);
}

/** What a server is, in a line. */
function headline(name: string, server: BaseServer): string {
  const parts = [`${name} on ${format_address(server.server_address)}`, how_it_runs(server)];
  return `${parts.join(", ")} (Ctrl-C stops it)`;
}

/** How the requests of a server run. */
function how_it_runs({ max_workers, max_children }: Partial<Settings>): string {
  if (max_workers !== undefined) {
    return `threading, ${max_workers} worker${max_workers > 1 ? "s" : ""}`;
  }
  return max_children === undefined ? "async" : `forking, up to ${max_children} at once`;
}
