import * as socketserver from "../../mod.ts";
import { type Constructor, named } from "../../server/mixin.ts";
import { make_runner } from "../../server/requests/inner_hooks.ts";
import type { ServeCommand } from "./command_line.ts";
import { SETTING_FLAGS, type Way } from "./flags.ts";
import type { HandlerFile } from "./handler_file.ts";
import { UsageError } from "./usage_error.ts";

type ServerClass = Constructor<socketserver.BaseServer>;

const MIX_INS: Record<Way, (Base: ServerClass) => ServerClass> = {
  async: (Base) => named(`Async${Base.name}`, socketserver.AsyncMixIn(Base)),
  threading: (Base) => named(`Threading${Base.name}`, socketserver.ThreadingMixIn(Base)),
  forking: (Base) => named(`Forking${Base.name}`, socketserver.ForkingMixIn(Base)),
};

/** The classes without a mix-in, and what is typed for their places; what extends another is before it. */
const PLAIN: [Class: ServerClass, typed: string][] = [
  [socketserver.UnixDatagramServer, "--udp --unix PATH"],
  [socketserver.UDPServer, "--udp"],
  [socketserver.UnixStreamServer, "--unix PATH"],
  [socketserver.TCPServer, "--port N"],
];

/** One class with all settings of all ways of running requests, for a server without a class of its own. */
export const ALL_WAYS: ServerClass[] = [socketserver.TCPServer, socketserver.UDPServer]
  .flatMap((Base) => Object.values(MIX_INS).map((mix_in) => mix_in(Base)));

/**
 * The class of the server that a command asks for: that of the handler's file, or the one for the address,
 * with the mix-in for how requests run.
 *
 * @throws {UsageError} If the handler, or a setting, is not for such a server.
 */
export function server_class(command: ServeCommand, file: HandlerFile): ServerClass {
  check_handler(command, file);
  const Base = base_class(command, file);
  const has_way = Base.prototype[make_runner] !== socketserver.BaseServer.prototype[make_runner];
  const way = command.way ?? (has_way ? undefined : "async");
  const Class = way ? MIX_INS[way](Base) : Base;
  check_settings(command, Class);
  check_companions(command, Class);
  return Class;
}

/** The class for an address. */
function plain_class({ datagrams, address }: ServeCommand): ServerClass {
  const is_path = typeof address === "string";
  if (datagrams) return is_path ? socketserver.UnixDatagramServer : socketserver.UDPServer;
  return is_path ? socketserver.UnixStreamServer : socketserver.TCPServer;
}

/** The file's own class for that address, or the plain one where a file has none at all. */
function base_class(command: ServeCommand, { Servers }: HandlerFile): ServerClass {
  const plain = plain_class(command);
  const kinds = Servers.map((Server) => PLAIN.find(([Class]) => is_a(Server, Class)));
  const fitting = Servers.filter((_, at) => kinds[at]?.[0] === plain);
  if (Servers.length === 0) return plain;
  if (fitting.length === 1) return fitting[0]!;
  const names = (fitting.length > 0 ? fitting : Servers).map(({ name }) => name).join(" and ");
  if (fitting.length > 0) {
    throw new UsageError(`Cannot choose a server of this file: it exports ${names}; export one`);
  }
  const [, typed] = kinds.find((kind) => kind !== undefined) ?? [];
  throw new UsageError(
    `Cannot use the server ${names} of this file there: ` +
      (typed ? `it is served with ${typed}` : "it extends none of this version of the package"),
  );
}

function is_a(Server: ServerClass, Class: ServerClass): boolean {
  return Server === Class || Server.prototype instanceof Class;
}

/** A handler that reads a stream has no use for datagrams, and the other way round. */
function check_handler({ datagrams }: ServeCommand, { Handler, name }: HandlerFile): void {
  const names = names_of(Handler);
  if (datagrams && names.includes("StreamRequestHandler")) {
    throw new UsageError(`Cannot use ${name} with --udp: it reads connections; leave --udp out`);
  }
  if (!datagrams && names.includes("DatagramRequestHandler")) {
    throw new UsageError(`Cannot use ${name} with connections: it reads datagrams; write --udp`);
  }
}

/** The names of a class and of those that it extends, which may be of another version of this package. */
function names_of(Class: unknown): string[] {
  if (typeof Class !== "function") return [];
  return [Class.name, ...names_of(Object.getPrototypeOf(Class))];
}

/** Refuses settings that nothing would look at. A server class has each setting that it knows as a static. */
function check_settings(command: ServeCommand, Class: ServerClass): void {
  for (const { setting, name } of SETTING_FLAGS) {
    if (!(setting in command.settings) || setting in Class) continue;
    const ways = Object.keys(MIX_INS) as Way[];
    const way = ways.find((way) => setting in MIX_INS[way](plain_class(command)));
    const other = command.datagrams
      ? "it is for connections; leave --udp out"
      : "it is for datagrams; write --udp";
    throw new UsageError(`Cannot use --${name}: ${way ? `write --${way}, which has that` : other}`);
  }
}

/** Refuses flags that would do nothing without another one, or beside it. */
function check_companions({ datagrams, settings, tls }: ServeCommand, Class: ServerClass): void {
  if (datagrams && tls) {
    throw new UsageError("Cannot use TLS with --udp: it is for connections; leave --udp out");
  }
  const { proxy_protocol = Reflect.get(Class, "proxy_protocol") } = settings;
  if (settings.trusted_proxies && proxy_protocol !== "required") {
    throw new UsageError(
      "Cannot use --trusted-proxy without --proxy-protocol required: write both",
    );
  }
}
