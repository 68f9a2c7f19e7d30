import { Backoff } from "../../../internal/runtime/backoff.ts";
import { may_fail } from "../../../internal/runtime/pending.ts";
import { AuthenticationError } from "../../../internal/shared/errors.ts";
import { format_address, with_address } from "../../../server/address.ts";
import { StreamSocket } from "../../../server/sockets/stream_socket.ts";
import { authenticate_server, type AuthKey, MAX_UNKNOWN } from "./authentication.ts";
import { type Bounds, Connection } from "./connection.ts";
import { FrameStream } from "./frame_stream.ts";
import { greeting_in, root_of } from "./greeting.ts";
import { HANDSHAKE_TIMEOUT } from "./manager_handler.ts";
import type { ObjectProxy } from "./object_proxy.ts";
import { within } from "./within.ts";

/** The delays before a manager is looked for once more, in ms: they double. */
const MIN_DELAY = 50;
const MAX_DELAY = 1000;

/** What a client is told of the manager that it uses. */
export interface ClientSettings extends Bounds {
  address: Deno.NetAddr | Deno.UnixAddr;
  key: AuthKey;
  /** How long to look for a manager that was lost, in ms. */
  reconnect_timeout: number;
}

/** The manager, as far as it can be reached. */
interface Reached {
  connection: Connection;
  root: ObjectProxy;
}

/** The way to a manager in another program, which is looked for again when it was lost. */
export class ManagerClient {
  #settings: ClientSettings;
  #reached: Reached | undefined;
  #reaching: Promise<Reached> | undefined;
  #closed = new AbortController();
  /** Connections that have not come to their ends. */
  #running: Set<Promise<void>> = new Set();

  /** @param settings Where it is. */
  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  /**
   * Reaches it, and tries that once.
   *
   * @throws {AuthenticationError} If one of both does not know the key.
   * @throws What `Deno.connect()` throws.
   */
  async connect(): Promise<void> {
    this.#reached = await this.#open();
  }

  /** Calls what it has under a name. */
  async call(name: string, args: unknown[]): Promise<unknown> {
    if (!this.#reached?.connection.is_open) {
      this.#reaching ??= this.#reach().finally(() => this.#reaching = undefined);
      this.#reached = await this.#reaching;
    }
    return await this.#reached.root.call(name, args);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#closed.abort(new Deno.errors.BadResource("The manager was closed"));
    this.#reached?.connection.close();
    await Promise.all(this.#running);
  }

  /** Looks for it until it is there, or that has taken too long. */
  async #reach(): Promise<Reached> {
    const backoff = new Backoff(MIN_DELAY, MAX_DELAY);
    const end = performance.now() + this.#settings.reconnect_timeout;
    for (;;) {
      try {
        return await this.#open();
      } catch (error) {
        const delay = backoff.next();
        if (error instanceof AuthenticationError || performance.now() + delay > end) throw error;
        await this.#pause(delay);
      }
    }
  }

  #pause(delay: number): Promise<void> {
    const { signal } = this.#closed;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", end);
        resolve();
      }, delay);
      signal.addEventListener("abort", end, { once: true });
    });
  }

  async #open(): Promise<Reached> {
    const { signal } = this.#closed;
    signal.throwIfAborted();
    const socket = new StreamSocket(await this.#dial());
    const end = () => socket.close();
    signal.addEventListener("abort", end);
    try {
      signal.throwIfAborted();
      return await this.#begin(socket);
    } catch (error) {
      socket.close();
      throw signal.aborted ? signal.reason : with_address(error, this.#settings.address);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Connects; with TLS, only this would be another call. */
  async #dial(): Promise<Deno.Conn> {
    const { address } = this.#settings;
    try {
      const conn = await Deno.connect(address as Deno.NetAddr & { transport: "tcp" });
      if ("setNoDelay" in conn) conn.setNoDelay(true);
      return conn;
    } catch (error) {
      throw with_address(error, address);
    }
  }

  async #begin(socket: StreamSocket): Promise<Reached> {
    const { key, address, max_message_size } = this.#settings;
    const frames = new FrameStream(socket, MAX_UNKNOWN);
    const greet = async () => {
      await authenticate_server(frames, key);
      frames.limit = max_message_size;
      return greeting_in(await frames.receive());
    };
    const greeting = await within(HANDSHAKE_TIMEOUT, greet(), () => {
      socket.close();
      return new Deno.errors.TimedOut(`The manager did not answer within ${HANDSHAKE_TIMEOUT} ms`);
    });
    const { peer_timeout } = greeting;
    const name = `the connection to the manager at ${format_address(address)}`;
    const connection = new Connection(frames, name, { max_message_size, peer_timeout });
    // Who calls hears of its end.
    const running = may_fail(connection.run(false)).catch(() => {});
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
    return { connection, root: await root_of(greeting, connection) };
  }
}
