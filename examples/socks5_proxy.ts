/**
 * A SOCKS5 proxy (RFC 1928) without authentication: it connects its clients to hosts by IPv4, IPv6 or
 * name. Ctrl-C ends it, and all tunnels.
 *
 * ```sh
 * deno run --allow-net examples/socks5_proxy.ts --port 1080
 * curl --socks5-hostname 127.0.0.1:1080 http://127.0.0.1:8000/README.md
 * deno run --allow-net \
 *   --deny-net="0.0.0.0/8,127.0.0.0/8,169.254.0.0/16,[::],[::1],[fd00:ec2::254]" \
 *   examples/socks5_proxy.ts --host 192.0.2.1 --port 1080
 * ```
 *
 * With the first command clients reach whatever this machine reaches, its own services, too. The last
 * one is for clients elsewhere: it keeps them from the inner addresses of this machine, and from those
 * where clouds hand out secrets, by name, too. So it listens at another one. Add your own networks; for
 * IPv6 Deno takes addresses only.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { AsyncTCPServer, StreamRequestHandler, StreamSocket } from "../mod.ts";
import { LIMITS } from "./limits.ts";
import { tunnel } from "./tunnel.ts";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 255;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

const SUCCEEDED = 0;
const GENERAL_FAILURE = 1;
const COMMAND_NOT_SUPPORTED = 7;
const ADDRESS_TYPE_NOT_SUPPORTED = 8;

/** How long a target may take to accept, in ms. */
const CONNECT_TIMEOUT = 10_000;

/**
 * The replies to errors of connecting, by code if an error has one, else by name. The error for an
 * unknown host is a plain `Error` in Deno, that for a malformed name a `URIError`.
 */
const REPLIES: Record<string, number> = {
  NotCapable: 2,
  ENETUNREACH: 3,
  EHOSTUNREACH: 4,
  ETIMEDOUT: 4,
  Error: 4,
  URIError: 4,
  TimeoutError: 4,
  ECONNREFUSED: 5,
};

/** Connects a client to its target, and passes on what each of them says. */
export class SocksHandler extends StreamRequestHandler {
  static override timeout = 10_000;
  static override read_deadline = 10_000;
  static override rbufsize = 0; // what follows the request is for the target
  /** A tunnel in which nothing passes is ended after this time, or twice as much, in ms. */
  protected idle_timeout = 600_000;

  override async handle(): Promise<void> {
    try {
      if (!await this.#greet()) return;
      using target = await this.#connect();
      if (!target) return;
      await this.#reply(SUCCEEDED);
      await tunnel(this.connection, target, this.signal, this.idle_timeout);
    } catch (error) {
      // A slow client, a tunnel in which nothing passes, a server that closes: nothing to report.
      if (!(error instanceof Deno.errors.TimedOut) && !this.signal.aborted) throw error;
    }
  }

  /** Agrees on a method; `false` if there is none. */
  async #greet(): Promise<boolean> {
    const [version, count] = await this.rfile.readexactly(2);
    if (version !== VERSION) return false;
    const methods = await this.rfile.readexactly(count!);
    const agreed = methods.includes(NO_AUTHENTICATION);
    const method = agreed ? NO_AUTHENTICATION : NO_ACCEPTABLE_METHOD;
    await this.wfile.write(new Uint8Array([VERSION, method]));
    return agreed;
  }

  /** Reads the request and connects to the target. If that fails: tells the client, `undefined`. */
  async #connect(): Promise<StreamSocket | undefined> {
    const [version, command, , type] = await this.rfile.readexactly(4);
    if (version !== VERSION) return undefined;
    const hostname = await this.#hostname(type!);
    if (hostname === undefined) return await this.#reply(ADDRESS_TYPE_NOT_SUPPORTED);
    const [high, low] = await this.rfile.readexactly(2);
    if (command !== CONNECT) return await this.#reply(COMMAND_NOT_SUPPORTED);
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(CONNECT_TIMEOUT)]);
    const port = high! * 256 + low!;
    try {
      return new StreamSocket(await Deno.connect({ hostname, port, signal }));
    } catch (error) {
      return await this.#reply(reply_to(error));
    }
  }

  async #hostname(type: number): Promise<string | undefined> {
    if (type === IPV4) return (await this.rfile.readexactly(4)).join(".");
    if (type === IPV6) return ipv6_of(await this.rfile.readexactly(16));
    if (type !== NAME) return undefined;
    const [length] = await this.rfile.readexactly(1);
    const name = new TextDecoder().decode(await this.rfile.readexactly(length!));
    return name.includes("%") ? undefined : name; // `fe80::1%eth0`: no `--deny-net` names it
  }

  async #reply(code: number): Promise<undefined> {
    // The address is for BIND and UDP ASSOCIATE: here it means nothing.
    await this.wfile.write(new Uint8Array([VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]));
  }
}

/** An IPv6 address as text. */
function ipv6_of(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const groups = Array.from({ length: 8 }, (_, group) => view.getUint16(group * 2).toString(16));
  return groups.join(":");
}

function reply_to(error: unknown): number {
  const { code, name } = error as { code?: string; name: string };
  return REPLIES[code ?? name] ?? GENERAL_FAILURE;
}

if (import.meta.main) {
  const { host, port } = parseArgs(Deno.args, {
    string: ["host", "port"],
    default: { host: "127.0.0.1", port: "1080" },
  });
  await using server = new AsyncTCPServer([host, Number(port)], SocksHandler, LIMITS);
  const { hostname, port: bound } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${bound}; Ctrl-C ends it`);
  await serving;
}
