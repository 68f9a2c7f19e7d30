import { check_names } from "../../../internal/runtime/check_names.ts";
import { text_of } from "../../../internal/runtime/error_text.ts";
import { place_of, refuse_while_loading } from "../../../internal/workers/class_place.ts";
import {
  format_address,
  net_addr,
  type NetAddress,
  unix_addr,
  type UnixAddress,
} from "../../../server/address.ts";
import type { BaseServer } from "../../../server/base_server.ts";
import type { StreamSocket } from "../../../server/sockets/stream_socket.ts";
import { AsyncTCPServer, AsyncUnixStreamServer } from "../../../server/async_mixin.ts";
import type { ServerOptions } from "../../../server/options.ts";
import { AuthKey } from "./authentication.ts";
import { handler_of } from "./manager_handler.ts";
import { ManagerClient } from "./manager_client.ts";
import { serve_manager } from "./manager_process.ts";
import { OwnProcess } from "./own_process.ts";
import { Registry } from "./registry.ts";

/** What a manager can be told. */
export interface ManagerOptions {
  /**
   * Where its server listens: `[hostname, port]`, an object with both, or the path of a Unix socket.
   *
   * @default {["127.0.0.1", 0]}
   */
  address?: NetAddress | UnixAddress;
  /**
   * What both sides must know: text, or bytes. It is never sent. Without one, the address must be a loopback address or
   * a Unix socket, and each program that reaches it may use the manager.
   */
  authkey?: string | Uint8Array;
  /**
   * How long the other side of a connection may say nothing until it counts as gone, in ms. Both say that they are there
   * each third of that; the server's setting holds for both.
   *
   * @default {30000}
   */
  peer_timeout?: number;
  /**
   * How long a client looks for a manager that it has lost, when it calls something, in ms.
   *
   * @default {10000}
   */
  reconnect_timeout?: number;
  /**
   * How long a message may be, in bytes: a call with its arguments, or a result. At least 1 MiB.
   *
   * @default {67108864}
   */
  max_message_size?: number;
}

const OPTIONS = ["address", "authkey", "peer_timeout", "reconnect_timeout", "max_message_size"];

const MIN_MESSAGE = 1024 * 1024;

/** The methods that a class of managers declares. */
export type DeclaredName<M> =
  & {
    [K in keyof M]: K extends keyof BaseManager ? never
      : M[K] extends (...args: never[]) => Promise<unknown> ? K
      : never;
  }[keyof M]
  & string;

/** What a declared method is registered with. */
export type Registration<F> = F extends (...args: infer A) => Promise<infer R> ? {
    /** Gives what is asked for, at once or later; not needed by clients. */
    callable?: (...args: A) => R | PromiseLike<R>;
    exposed?: undefined;
  } | {
    /** Gives an object of a class of yours. */
    callable?: (...args: A) => object | PromiseLike<object>;
    /** The names of its methods that may be called. */
    exposed: readonly (keyof R & string)[];
  }
  : never;

/** Where a manager is. */
export type ManagerAddress = Deno.NetAddr | Deno.UnixAddr;

/** A server of a manager: an `AsyncTCPServer` or an `AsyncUnixStreamServer`. */
export type ManagerServer = BaseServer<
  ManagerAddress,
  StreamSocket<ManagerAddress>,
  ManagerAddress
>;

const registries = new WeakMap<object, Registry>();

/** What a class of managers serves. */
function registry_of(Class: object): Registry {
  let registry = registries.get(Class);
  if (!registry) {
    const outer = Class === BaseManager ? undefined : registry_of(Object.getPrototypeOf(Class));
    registries.set(Class, registry = new Registry(outer));
  }
  return registry;
}

/**
 * Gives programs on this machine and on others what one of them has: Python's
 * `multiprocessing.managers.BaseManager`. A subclass declares its methods and registers each with a `callable`; a
 * client registers the names alone.
 *
 * What a method gives gets there like this: a `Queue`, a `Lock` and the others of `./queue` and `./threading` as
 * themselves, which both programs use from then on; an object of a class of yours as a proxy with those methods that
 * are `exposed`; other values as copies. When a client is gone, what it held and had taken comes back at once.
 *
 * Server and clients need `--allow-net` for the address, and `--allow-read` and `--allow-write` for the path of a Unix
 * socket; {@linkcode BaseManager.start} needs `--allow-run=deno`, and `--allow-read` for the module of the class.
 *
 * @example One program serves a queue, another one uses it
 * ```ts
 * import { BaseManager, Queue } from "@socketserver/socketserver/multiprocessing";
 *
 * const tasks = new Queue<string>();
 *
 * class QueueManager extends BaseManager {
 *   declare get_tasks: () => Promise<Queue<string>>;
 *   static {
 *     this.register("get_tasks", { callable: () => tasks });
 *   }
 * }
 *
 * await using server = new QueueManager({ authkey: "a secret" }).get_server();
 * const serving = server.serve_forever();
 * await tasks.put("sweep");
 *
 * // The client, which would be another program.
 * await using manager = new QueueManager({ address: server.server_address, authkey: "a secret" });
 * await manager.connect();
 * const remote = await manager.get_tasks();
 * using job = await remote.take();
 * console.log(job.item); // sweep
 * await job.done();
 *
 * await manager.close();
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @tags allow-net, allow-read, allow-write, allow-run
 */
export class BaseManager implements AsyncDisposable {
  /**
   * Which module exports the class, for {@linkcode BaseManager.start}: `static override module = import.meta.url`.
   *
   * @default {the program's main module}
   */
  static module?: string;

  #address: ManagerAddress;
  #options: ManagerOptions;
  #key: AuthKey;
  #bounds: { peer_timeout: number; max_message_size: number };
  #reconnect_timeout: number;
  #client: ManagerClient | undefined;
  #process: OwnProcess<ManagerAddress> | undefined;

  /**
   * Makes one; nothing listens or connects yet.
   *
   * @param options Where it is, and what both sides must know.
   * @throws {TypeError} If an option has another type or an unknown name, or there is no `authkey` where others
   * reach the address.
   * @throws {RangeError} If the key is empty, or a number is out of its range.
   */
  constructor(options: ManagerOptions = {}) {
    check_names(options, OPTIONS);
    const {
      address = ["127.0.0.1", 0],
      authkey,
      peer_timeout = 30_000,
      reconnect_timeout = 10_000,
      max_message_size = 64 * MIN_MESSAGE,
    } = options;
    check_least("peer_timeout", peer_timeout, 1);
    check_least("reconnect_timeout", reconnect_timeout, 0);
    check_least("max_message_size", max_message_size, MIN_MESSAGE);
    this.#address = address_of(address);
    this.#options = options;
    this.#key = key_of(authkey, this.#address);
    this.#bounds = { peer_timeout, max_message_size };
    this.#reconnect_timeout = reconnect_timeout;
  }

  /**
   * Registers a declared method.
   *
   * @param name The method's name.
   * @param registration What it gives; a client needs no `callable`.
   * @throws {TypeError} If a manager has the name itself, or the registration makes no sense.
   */
  static register<M extends BaseManager, K extends DeclaredName<M>>(
    this: (abstract new (options?: ManagerOptions) => M) & { prototype: M },
    name: K,
    registration: Registration<M[K]> = {} as Registration<M[K]>,
  ): void {
    check_names(registration, ["callable", "exposed"]);
    const { callable, exposed } = registration as {
      callable?: (...args: never[]) => unknown;
      exposed?: readonly string[];
    };
    if (typeof name !== "string" || name === "" || name in BaseManager.prototype) {
      throw new TypeError(`Cannot register ${Deno.inspect(name)}: take another name`);
    }
    if (callable !== undefined && typeof callable !== "function") {
      throw new TypeError(`Cannot register ${name}: its callable must be a function`);
    }
    if (exposed !== undefined && !(Array.isArray(exposed) && exposed.every(is_text))) {
      throw new TypeError(`Cannot register ${name}: exposed must be an array of names`);
    }
    registry_of(this).add(name, { callable, exposed });
    const value = function (this: M, ...args: unknown[]) {
      return this.#call(name, args);
    };
    Object.defineProperty(this.prototype, name, { value, configurable: true, writable: true });
  }

  /** Where its server is; with port 0 asked for, the real port once the server is bound. */
  get address(): ManagerAddress {
    return this.#address;
  }

  /**
   * Makes a server of this library in this process, bound to the address: `serve_forever()` runs it.
   *
   * @param options Settings of the server: `max_requests` is how many clients there may be at once.
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   */
  get_server(options: ServerOptions = {}): ManagerServer {
    const report = async (error: Error) => await server.handle_error(null, null, error);
    const registry = registry_of(this.constructor);
    const service = {
      root: () =>
        registry.served((error) =>
          report(error).catch((failure) => console.error(text_of(failure)))
        ),
      key: this.#key,
      bounds: this.#bounds,
    };
    const Handler = handler_of(service);
    const server = "path" in this.#address
      ? new AsyncUnixStreamServer(this.#address, Handler, options)
      : new AsyncTCPServer(this.#address, Handler, options);
    this.#address = server.server_address;
    return server as unknown as ManagerServer;
  }

  /**
   * Starts a process of its own with the server, and connects to it. The process loads the module of the class, and
   * ends with this one.
   *
   * @throws {TypeError} If it was started or connected before, or the class cannot be found.
   * @throws {Deno.errors.NotCapable} If `--allow-run=deno` is missing.
   */
  async start(): Promise<void> {
    refuse_while_loading("A manager's process is started");
    if (this.#process) throw new TypeError("A manager can be started once");
    this.#check_unconnected();
    const place = place_of(this.constructor as typeof BaseManager, "manager class");
    const options = { ...this.#options, address: this.#address };
    this.#process = new OwnProcess(place.name, serve_manager, place, options);
    try {
      this.#address = await this.#process.started;
      await this.connect();
    } catch (error) {
      await this.shutdown();
      throw error;
    }
  }

  /**
   * Connects to the server, which another program has.
   *
   * @throws {AuthenticationError} If one of both does not know the `authkey`.
   * @throws {Deno.errors.ConnectionRefused} If nobody listens there.
   * @throws {TypeError} If it is connected.
   */
  async connect(): Promise<void> {
    this.#check_unconnected();
    const client = this.#client = new ManagerClient({
      ...this.#bounds,
      address: this.#address,
      key: this.#key,
      reconnect_timeout: this.#reconnect_timeout,
    });
    try {
      await client.connect();
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
  }

  /** Leaves: what this program held and had taken comes back to the others. */
  async close(): Promise<void> {
    await this.#client?.close();
  }

  /**
   * Ends the process that {@linkcode BaseManager.start} has started.
   *
   * @throws {TypeError} If it has started none: the server's own program ends it.
   */
  async shutdown(): Promise<void> {
    if (!this.#process) throw new TypeError("Cannot end a manager that was not started here");
    await this.close();
    await this.#process.end();
  }

  /** Ends the process that was started here, or leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process) await this.shutdown();
    else await this.close();
  }

  async #call(name: string, args: unknown[]): Promise<unknown> {
    if (!this.#client) throw new TypeError("The manager is not connected: connect() or start() it");
    return await this.#client.call(name, args);
  }

  #check_unconnected(): void {
    if (this.#client) throw new TypeError("The manager is connected already");
  }
}

function is_text(value: unknown): boolean {
  return typeof value === "string";
}

function check_least(name: string, value: number, least: number): void {
  if (typeof value === "number" && value >= least) return;
  const told = Deno.inspect(value);
  throw new RangeError(`Cannot use ${name} = ${told}: it must be at least ${least}`);
}

function address_of(address: NetAddress | UnixAddress): ManagerAddress {
  const is_path = typeof address === "string" || (typeof address === "object" && "path" in address);
  return is_path ? unix_addr(address, "unix") : net_addr(address as NetAddress, "tcp");
}

const LOOPBACK = /^(localhost|127\.[0-9.]+|::1|\[::1\]|::ffff:127\.[0-9.]+)$/;

function key_of(
  authkey: string | Uint8Array | undefined,
  address: ManagerAddress,
): AuthKey {
  if (authkey === undefined) {
    if ("path" in address || LOOPBACK.test(address.hostname)) return new AuthKey(new Uint8Array(0));
    throw new TypeError(
      `Cannot use a manager at ${
        format_address(address)
      } without an authkey: other machines reach it`,
    );
  }
  const bytes = typeof authkey === "string" ? new TextEncoder().encode(authkey) : authkey;
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError("Cannot use this authkey: it must be a string or a Uint8Array");
  }
  if (bytes.length === 0) throw new RangeError("Cannot use an empty authkey");
  return new AuthKey(bytes);
}
