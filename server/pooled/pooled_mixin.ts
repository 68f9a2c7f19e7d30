import { BaseServer } from "../base_server.ts";
import { has_descriptors } from "../../internal/runtime/free_descriptors.ts";
import type { ServerInfo } from "../info.ts";
import { DenoListener } from "../listeners/deno_listener.ts";
import { HandoverListener } from "../listeners/handover_listener.ts";
import type { Listener, StreamListenOptions } from "../listeners/listener.ts";
import type { Constructor } from "../mixin.ts";
import { RequestQueue } from "../requests/request_queue.ts";
import { can_hand_over, refuse_old_deno } from "../../internal/runtime/deno_internals.ts";
import { place_of, refuse_while_loading, wants_no_delay } from "./handler_place.ts";
import { type PoolSize, WorkerPool } from "../../internal/workers/worker_pool.ts";

/** What a mix-in that uses workers tells of them, and may ask of them. */
export interface PooledMembers {
  /** See {@linkcode ServerOptions.block_on_close}. */
  block_on_close: boolean;
  /** What workers there shall be. */
  _pool_size(): PoolSize;
}

/**
 * What `ThreadingMixIn` and `ForkingMixIn` share: requests run in the workers of a pool.
 *
 * @param Base The server class.
 * @returns A subclass that handles requests in workers; a subclass of that says in which.
 */
export function PooledMixIn<T extends Constructor<BaseServer>>(
  Base: T,
): T & Constructor<PooledMembers> {
  abstract class Pooled extends Base {
    declare block_on_close: boolean;

    #queue: RequestQueue | undefined;
    #pool: WorkerPool | undefined;
    #released = false;

    // deno-lint-ignore no-explicit-any
    constructor(...args: any[]) {
      refuse_old_deno();
      refuse_while_loading();
      super(...args);
      try {
        refuse_overrides(this);
      } catch (error) {
        void this.server_close();
        throw error;
      }
    }

    abstract _pool_size(): PoolSize;

    override process_request(request: unknown, client_address: unknown): void {
      const pool = this.#pool!;
      const exchange = this._claim(request, client_address);
      const finish = () => pool.run(exchange);
      if (!this.#queue!.submit(() => this._run(exchange, finish))) void this._refuse(exchange);
    }

    override close_request(request: unknown): void | Promise<void> {
      this.#pool?.close_request(request);
      return super.close_request(request);
    }

    override info(): ServerInfo {
      return { ...super.info(), workers: this.#pool?.info ?? [] };
    }

    override async _prepare(): Promise<void> {
      await super._prepare();
      if (this.#pool) return;
      // It was closed while a subclass prepared.
      if (this.#released) throw new Deno.errors.BadResource("The server is closed");
      // Once more: fields of a subclass have their values only now.
      refuse_overrides(this);
      const size = this._pool_size();
      const { module } = place_of(this.RequestHandlerClass);
      const { linger = 0 } = this as { linger?: number };
      const has_left = (count: number) => {
        const { socket } = this;
        return socket instanceof HandoverListener
          ? socket.has_descriptors(count)
          : has_descriptors(module, count);
      };
      this.#pool = new WorkerPool(this, { ...size, linger, has_descriptors: has_left });
      try {
        await this.#pool.start();
      } catch (error) {
        this.#pool = undefined;
        throw error;
      }
      const places = Math.min(this.max_requests, size.max_workers * size.max_requests_per_worker);
      this.#queue = new RequestQueue(places, this.request_queue_size, this.overflow);
    }

    override async _release(overdue: Promise<void>): Promise<void> {
      this.#released = true;
      await this.#pool?.close(overdue);
      await super._release(overdue);
    }

    override _interrupt_request(request: unknown): void {
      this.#pool?.interrupt(request);
    }

    override _abandon_request(request: unknown): void {
      this.#pool?.abandon(request);
    }

    override get _waits_on_close(): boolean {
      return this.block_on_close;
    }

    /** @ignore */
    _listen<A extends Deno.Addr>(options: StreamListenOptions<A>): Listener {
      return can_hand_over() && !options.reuse_port
        ? new HandoverListener({ ...options, no_delay: wants_no_delay(this.RequestHandlerClass) })
        : new DenoListener(options);
    }
  }
  return Pooled as unknown as T & Constructor<PooledMembers>;
}

/** What runs in workers cannot be overridden here: it would be passed over without a word. */
function refuse_overrides(server: BaseServer): void {
  if (server.finish_request === BaseServer.prototype.finish_request) return;
  throw new TypeError(
    `Cannot use ${server.constructor.name}.finish_request(): handlers run in workers, where the ` +
      "server's class is not; do it in the handler, or take AsyncMixIn",
  );
}
