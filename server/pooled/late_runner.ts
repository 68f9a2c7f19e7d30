import { refuse_old_deno } from "../../internal/runtime/deno_internals.ts";
import { refuse_while_loading } from "../../internal/workers/class_place.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { Settings } from "../options.ts";
import type { Exchange } from "../requests/exchange.ts";
import type { Run, Runner, ServerSide } from "../requests/runner.ts";
import type { TlsMaterial } from "../sockets/tls_material.ts";
import { load_runner } from "./late.ts";
import type { PooledOptions, PooledRunner, PooledServer } from "./pooled_runner.ts";

/** Runs requests in the workers of a pool, and loads what that takes when serving starts: see `late.ts`. */
export class LateRunner implements Runner {
  #server: PooledServer;
  #options: PooledOptions;
  #side: ServerSide;
  /** What runs them, once it is loaded. */
  #runner: PooledRunner | undefined;
  /** The same, once it has workers. */
  #started: PooledRunner | undefined;
  #released = false;

  /**
   * @param server The server, whose handlers it runs.
   * @param options What workers it has.
   * @param side What it has of the server's class.
   * @throws {Deno.errors.NotSupported} If Deno is too old, or this thread is a worker that loads its
   * handler's module.
   * @throws {TypeError} If the server overrides what is run in workers.
   */
  constructor(server: PooledServer, options: PooledOptions, side: ServerSide) {
    refuse_old_deno();
    refuse_while_loading("A server is made");
    this.#server = server;
    this.#options = options;
    this.#side = side;
    this.#refuse_overrides();
  }

  get waits_on_close(): boolean {
    return this.#options.waits_on_close();
  }

  get places(): number {
    return this.#runner?.places ?? this.#server.max_requests;
  }

  get workers(): WorkerInfo[] {
    return this.#runner?.workers ?? [];
  }

  async prepare(): Promise<void> {
    // Once more: fields of a subclass have their values only now.
    this.#refuse_overrides();
    const { PooledRunner } = await load_runner();
    // It may have been closed during that.
    if (this.#released) throw new Deno.errors.BadResource("The server is closed");
    this.#runner ??= new PooledRunner(this.#server, this.#options, this.#side);
    await this.#runner.prepare();
    this.#started = this.#runner;
  }

  configure(changes: Partial<Settings>): void {
    this.#runner?.configure(changes);
  }

  renew_tls(material: TlsMaterial): void {
    this.#runner?.renew_tls(material);
  }

  /** @throws {Deno.errors.BadResource} If there are no workers yet. */
  run(exchange: Exchange, run: Run): void | false {
    if (!this.#started) {
      throw new Deno.errors.BadResource(
        "Cannot process a request before the server serves: it has no workers yet",
      );
    }
    return this.#started.run(exchange, run);
  }

  interrupt(exchange: Exchange): void {
    this.#runner?.interrupt(exchange);
  }

  cut(exchange: Exchange): void {
    this.#runner?.cut(exchange);
  }

  abandon(exchange: Exchange): void {
    this.#runner?.abandon(exchange);
  }

  async release(overdue: Promise<void>): Promise<void> {
    this.#released = true;
    await this.#runner?.release(overdue);
  }

  /** What runs in workers cannot be overridden here: it would be ignored silently. */
  #refuse_overrides(): void {
    if (!this.#side.overrides("finish_request")) return;
    throw new TypeError(
      `Cannot use ${this.#server.constructor.name}.finish_request(): handlers run in workers, ` +
        "where the server's class is not; do it in the handler, or take AsyncMixIn",
    );
  }
}
