import { check_names } from "../../internal/runtime/check_names.ts";
import { print } from "../../internal/runtime/standard_error.ts";
import { net_addr } from "../../server/address.ts";
import { with_address_texts } from "./address_text.ts";
import { type Fault, Faults } from "./faults.ts";
import { host_in_url, is_loopback } from "./gate.ts";
import type { ObservedGroup } from "./observed.ts";
import { prometheus } from "./prometheus.ts";
import { type Place, Site } from "./site.ts";
import { watch_all } from "./watch.ts";
import type { Watched } from "./watched.ts";

/** What stands for all addresses of a machine, and one of them. */
const EVERYWHERE: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** What a {@linkcode Monitor} can be told. */
export interface MonitorOptions {
  /**
   * The address of the page. A loopback address is for everybody on this machine; any other needs a token.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * The port of the page; 0 is one that is free: see {@linkcode Monitor.address}.
   *
   * @default {0}
   */
  port?: number;
  /**
   * What must be shown to see anything: as `?token=` of the page's address, which then becomes a cookie, or in a
   * header `Authorization: Bearer`. Where one is needed and none is given, it is a random one, which is printed once.
   *
   * @default {none at a loopback address}
   */
  token?: string;
}

/**
 * A page that shows what servers, executors and queues are doing, live, in any browser: how many requests are active and
 * wait, how many end in a second and how long they take, workers, the last 50 errors.
 *
 * | path | what it gives |
 * |---|---|
 * | `/` | the page |
 * | `/info` | what `info()` tells, as JSON |
 * | `/metrics` | the same for Prometheus |
 * | `/health` | 200, or 503 while a server is stopping or suspended |
 *
 * It listens at once, and ends with its servers: when all of them are closed; without a server, when all executors are
 * shut down. It does not keep the program running. It only looks: nobody can change anything through it.
 *
 * At a loopback address it answers who asks for it by that name, so that pages of other sites cannot read it
 * (DNS rebinding). Anywhere else it needs a token. It speaks HTTP without TLS: put it behind a proxy that does where others
 * could listen.
 *
 * Needs `--allow-net` for its address.
 *
 * @example
 * ```ts
 * import { AsyncTCPServer, StreamRequestHandler } from "@socketserver/socketserver";
 * import { Monitor } from "@socketserver/socketserver/monitor";
 *
 * class EchoHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler);
 * await using monitor = new Monitor(server, { port: 0 });
 * console.log(`http://127.0.0.1:${monitor.address.port}/`);
 *
 * const serving = server.serve_forever();
 * const answer = await fetch(`http://127.0.0.1:${monitor.address.port}/health`);
 * console.log(await answer.text()); // ok
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @tags allow-net
 */
export class Monitor implements AsyncDisposable {
  #watched: Watched[];
  #faults: Faults = new Faults();
  #site: Site;

  /**
   * Begins to watch, and listens.
   *
   * @param observed A server, an executor, a queue, several of them, or several under names of your own, such as
   * `{ web: server, mails: queue }`. Without these they have the names of their classes.
   * @param options Where the page is, and who may see it.
   * @throws {TypeError} If something cannot be watched, or an option has another type or an unknown name.
   * @throws {RangeError} If the port is none.
   * @throws {Deno.errors.NotSupported} If a queue was made in another thread or process.
   * @throws {Deno.errors.AddrInUse} If the port is taken.
   */
  constructor(observed: ObservedGroup, options: MonitorOptions = {}) {
    const { hostname, port, token } = checked(options);
    const told = {
      fault: (fault: Omit<Fault, "count">) => this.#faults.add(fault),
      over: () => this.#look_whether_over(),
    };
    this.#watched = watch_all(observed, told);
    try {
      this.#site = new Site({ hostname, port, token }, {
        news: (late) => this.#news(late),
        info: () => this.#info(),
        metrics: () => prometheus(observed),
        unfit: () => this.#vital.find(({ unfit }) => unfit !== undefined)?.unfit,
      });
    } catch (error) {
      this.#leave();
      throw error;
    }
    if (options.token === undefined && token !== undefined) this.#print_link(hostname, token);
    this.#look_whether_over();
  }

  /** Where the page is. */
  get address(): Deno.NetAddr {
    return this.#site.address;
  }

  /** Ends it: open pages are told so. It may be called twice. */
  async close(): Promise<void> {
    this.#leave();
    await this.#site.close();
  }

  /** The same as {@linkcode Monitor.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What pages show. */
  #news(late: number): unknown {
    const now = performance.now();
    const things = this.#watched.map((one) => one.view(now));
    return { time: Date.now(), late, things, errors: this.#faults.list };
  }

  /** What all tell of themselves. */
  #info(): string {
    const infos = this.#watched.map(({ kind, name, info }) => ({ kind, name, info }));
    try {
      return JSON.stringify(infos, null, 2);
    } catch {
      const safe = infos.map((one) => ({ ...one, info: with_address_texts(Object(one.info)) }));
      return JSON.stringify(safe, null, 2);
    }
  }

  #leave(): void {
    for (const one of this.#watched) one.leave();
  }

  /** What it ends with: its servers; where there is none, its executors. */
  get #vital(): Watched[] {
    const servers = this.#watched.filter(({ kind }) => kind === "server");
    return servers.length > 0 ? servers : this.#watched.filter(({ kind }) => kind === "executor");
  }

  #look_whether_over(): void {
    if (this.#vital.length > 0 && this.#vital.every(({ is_over }) => is_over)) void this.close();
  }

  #print_link(hostname: string, token: string): void {
    const host = host_in_url(EVERYWHERE[hostname] ?? hostname);
    print(`The monitor is at http://${host}:${this.address.port}/?token=${token}`);
  }
}

/** The options with their defaults. */
function checked(options: MonitorOptions): Place {
  check_names(options, ["hostname", "port", "token"]);
  const { hostname, port } = net_addr([options.hostname ?? "127.0.0.1", options.port ?? 0], "tcp");
  const { token = is_loopback(hostname) ? undefined : random_token() } = options;
  if (token === undefined || (typeof token === "string" && token !== "")) {
    return { hostname, port, token };
  }
  throw new TypeError("Cannot use this token: it must be a text that is not empty");
}

/** 192 bits, in characters that need no escape in a URL. */
function random_token(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
}
