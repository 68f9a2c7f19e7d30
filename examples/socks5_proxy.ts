/**
 * A SOCKS5 proxy (RFC 1928) without authentication: it connects its clients to hosts by IPv4, IPv6 or
 * name. `--allow-net` says where it may connect to. Ctrl-C ends it, and all tunnels.
 *
 * ```sh
 * deno run --allow-net examples/socks5_proxy.ts --port 1080
 * curl --socks5-hostname 127.0.0.1:1080 http://127.0.0.1:8000/README.md
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { AsyncTCPServer, StreamRequestHandler, StreamSocket } from "../mod.ts";
import { LIMITS } from "./limits.ts";

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
class SocksHandler extends StreamRequestHandler {
  static override timeout = 10_000;
  static override read_deadline = 10_000;
  static override rbufsize = 0; // what follows the request is for the target

  override async handle(): Promise<void> {
    try {
      if (!await this.#greet()) return;
      using target = await this.#connect();
      if (!target) return;
      await this.#reply(SUCCEEDED);
      await this.#tunnel(target);
    } catch (error) {
      // A client that is too slow, or a server that is closing, is nothing to report.
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
    try {
      return new StreamSocket(
        await Deno.connect({ hostname, port: high! * 256 + low!, signal }),
      );
    } catch (error) {
      return await this.#reply(reply_to(error));
    }
  }

  async #hostname(type: number): Promise<string | undefined> {
    if (type === IPV4) return (await this.rfile.readexactly(4)).join(".");
    if (type === IPV6) return ipv6_of(await this.rfile.readexactly(16));
    if (type !== NAME) return undefined;
    const [length] = await this.rfile.readexactly(1);
    return new TextDecoder().decode(await this.rfile.readexactly(length!));
  }

  async #reply(code: number): Promise<undefined> {
    // The address is for BIND and UDP ASSOCIATE: here it means nothing.
    await this.wfile.write(new Uint8Array([VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]));
  }

  /** Passes bytes on in both directions. When one direction ends, the other one goes on. */
  async #tunnel(target: StreamSocket): Promise<void> {
    this.connection.settimeout(null); // one of the two may listen for hours
    const { signal } = this; // it ends at once when the server closes
    await Promise.all([
      this.connection.readable.pipeTo(target.writable, { signal }),
      target.readable.pipeTo(this.connection.writable, { signal }),
    ]);
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
  const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "1080" } });
  await using server = new AsyncTCPServer(["127.0.0.1", Number(port)], SocksHandler, LIMITS);
  const { hostname, port: bound } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${bound}; Ctrl-C ends it`);
  await serving;
}
