import config from "../../deno.json" with { type: "json" };
import { text_of } from "../../internal/runtime/error_text.ts";
import { print, written } from "../../internal/runtime/standard_error.ts";
import type { BaseServer, ServerObserver, TCPServer } from "../../mod.ts";
import type { Monitor } from "../monitor/mod.ts";
import { Reloading } from "./certificates.ts";
import { read_command_line, type ServeCommand } from "./command_line.ts";
import { error_line } from "./error_line.ts";
import { load_handler } from "./handler_file.ts";
import { headline } from "./headline.ts";
import { full_help, HELP } from "./help.ts";
import { new_server } from "./new_server.ts";
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
  console.error(args.includes("--verbose") ? text_of(error) : error_line(error));
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
  const { grace, log, quiet, tls } = command;
  const file = await load_handler(command.handler, command.name);
  await using server = new_server(command, file, await observer_for(log));
  using _reloading = tls ? new Reloading(server as TCPServer) : undefined;
  await using monitor = await monitor_of(server, command.monitor);
  using shown = new DisposableStack();
  const line = headline(file.name, server, monitor?.address);
  if (!quiet) when_it_serves(server, () => show(server, line, shown));
  await server.serve_forever({
    stop_on: ["SIGINT", "SIGTERM"],
    ...(grace !== undefined && { grace }),
  });
}

/** What writes the log; nothing of it is loaded where there is none. */
async function observer_for(log: ServeCommand["log"]): Promise<ServerObserver | null> {
  if (log === "none") return null;
  const { json_log, text_log } = await import("../monitor/mod.ts");
  return log === "json" ? json_log() : text_log();
}

/**
 * The page that shows the server, which is not loaded where there is none.
 *
 * @throws {Error} If it cannot listen there.
 */
async function monitor_of(
  server: BaseServer,
  port: number | undefined,
): Promise<Monitor | undefined> {
  if (port === undefined) return undefined;
  const { Monitor } = await import("../monitor/mod.ts");
  try {
    return new Monitor(server, { port });
  } catch (error) {
    const hint = error instanceof Deno.errors.AddrInUse ? ": write --monitor 0 for any" : "";
    const message = `Cannot show the monitor at port ${port}: ${error_line(error)}${hint}`;
    throw new Error(message, { cause: error });
  }
}

/** Calls something when a server takes its first request: its workers are ready then. */
function when_it_serves(server: BaseServer, call: () => void): void {
  const { get_request } = server;
  server.get_request = () => {
    server.get_request = get_request;
    call();
    return server.get_request();
  };
}

/** Says what a server is, and on a terminal what it is doing. */
function show(server: BaseServer, headline: string, shown: DisposableStack): void {
  print(headline);
  if (Deno.stderr.isTerminal()) shown.use(new StatusLine(() => server.info()));
}
