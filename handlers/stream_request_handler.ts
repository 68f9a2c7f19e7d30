import type { BaseServer } from "../server/base_server.ts";
import type { Remote } from "../server/remote.ts";
import { is_client_gone } from "../internal/runtime/error_names.ts";
import type { StreamSocket } from "../server/sockets/stream_socket.ts";
import type { TlsOptions } from "../server/tls_options.ts";
import { BaseRequestHandler } from "./base_request_handler.ts";
import { BufferedReader } from "./buffered_reader.ts";
import { BufferedWriter } from "./buffered_writer.ts";
import { warn_of_misplaced_settings } from "./misplaced_settings.ts";

/**
 * A handler for stream servers, with `rfile` to read lines from and `wfile` to write to, as in
 * Python's `socketserver.StreamRequestHandler`.
 *
 * @example Each line in upper case
 * ```ts
 * import { StreamRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class UpperHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) {
 *       await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
 *     }
 *   }
 * }
 *
 * await using server = new TCPServer(["127.0.0.1", 0], UpperHandler);
 * const { hostname, port } = server.server_address;
 * using client = await Deno.connect({ hostname, port });
 * await client.write(new TextEncoder().encode("hello\nworld\n"));
 * await client.closeWrite();
 * await server.handle_request();
 * console.log(await new Response(client.readable).text()); // HELLO, WORLD
 * ```
 *
 * @typeParam Server The type of `this.server`.
 * @typeParam Address The type of `this.client_address`.
 */
export class StreamRequestHandler<
  Server = Remote<BaseServer>,
  Address extends Deno.Addr = Deno.NetAddr,
> extends BaseRequestHandler<Server, StreamSocket<Address>, Address> {
  /**
   * How long a read may wait for bytes of the client, in ms; `null`, the default, means for ever. Only
   * bytes of the client reset the clock. A read that waited too long throws `Deno.errors.TimedOut`, and
   * so does a write of which the client takes nothing for so long: see `StreamSocket.settimeout()`.
   */
  static timeout: number | null = null;
  /**
   * How long a whole line, or block, of `rfile` may take from its first byte on, in ms; `null`, the
   * default, means for ever. A client that sends a byte now and then never reaches `timeout`. Then
   * `readline`, `readuntil`, `readexactly` and `for await` throw `Deno.errors.TimedOut`; what had come
   * stays unread. An argument of these methods wins.
   */
  static read_deadline: number | null = null;
  /** How much `rfile` reads at once, in bytes: 64 KiB where negative (the default), 0 unbuffered. */
  static rbufsize: number = -1;
  /**
   * How much `wfile` collects, in bytes: with 0 (the default) every write is sent before it resolves;
   * 8192 where negative. What it has collected is sent when it is full, when this turn of the event loop ends (so
   * the replies to many requests that came at once go together, and nothing is held back; Python would
   * let the client wait), by `flush()`, and at the end. With `Infinity` only the last two send.
   */
  static wbufsize = 0;
  /** Whether small writes are sent without delay (`TCP_NODELAY`); the default is `true`. */
  static disable_nagle_algorithm = true;

  /** The connection; the same as `request`. */
  connection!: StreamSocket<Address>;
  /** Reads from the connection. */
  rfile!: BufferedReader;
  /** Writes to the connection. */
  wfile!: BufferedWriter;

  /** Prepares `connection`, `rfile` and `wfile`. An override calls `super.setup()`. */
  override setup(): void | Promise<void> {
    warn_of_misplaced_settings(this);
    const settings = this.constructor as typeof StreamRequestHandler;
    this.connection = this.request;
    if (settings.timeout !== null) this.connection.settimeout(settings.timeout);
    if (settings.disable_nagle_algorithm) this.connection.setNoDelay(true);
    this.wfile = new BufferedWriter(this.connection, settings.wbufsize);
    this.rfile = new BufferedReader(this.connection, settings.rbufsize, settings.read_deadline);
  }

  /**
   * Sends what `wfile` has collected, then goes on with TLS: `STARTTLS`. `rfile` and `wfile` stay. See
   * `StreamSocket.start_tls()`.
   *
   * @example A server of mail that says hello
   * ```ts
   * import { StreamRequestHandler, type TlsOptions } from "@socketserver/socketserver";
   *
   * const TLS: TlsOptions = { cert: new URL("file:///etc/mail.crt"), key: new URL("file:///etc/mail.key") };
   *
   * class MailHandler extends StreamRequestHandler {
   *   override async handle(): Promise<void> {
   *     await this.wfile.write("220 mail.example.org\r\n");
   *     for await (const line of this.rfile) {
   *       if (new TextDecoder().decode(line).trim() !== "STARTTLS") continue;
   *       await this.wfile.write("220 Go ahead\r\n");
   *       await this.start_tls(TLS);
   *     }
   *   }
   * }
   * ```
   *
   * @param options The certificate and all that goes with it.
   * @throws What `StreamSocket.start_tls()` throws.
   */
  async start_tls(options: TlsOptions): Promise<void> {
    await this.wfile.flush();
    await this.connection.start_tls(options);
  }

  /** Sends what `wfile` has collected. That the client is gone is no error here, as in Python. */
  override async finish(): Promise<void> {
    try {
      await this.wfile.flush();
    } catch (error) {
      if (!is_client_gone(error)) throw error;
    }
  }
}
