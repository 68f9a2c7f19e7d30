import { set_timer } from "../../internal/runtime/timer.ts";
import type { CloseResult } from "../info.ts";
import type { Requests } from "./requests.ts";
import type { Runner } from "./runner.ts";
import type { Serving } from "./serving.ts";

/** What is closed. */
interface ClosingServer {
  /** What requests are taken from, if there is such a thing. */
  socket: { retire?(): boolean; close(): void | Promise<void> } | undefined;
}

/** How a server closes: in what order, and by when at the latest. */
export class ServerClosing {
  /** Whether it is over. */
  done = false;
  #server: ClosingServer;
  #serving: Pick<Serving<never, never>, "close" | "run_out">;
  #requests: Pick<Requests<never, never>, "tell" | "drain" | "reports" | "observation">;
  #runner: Runner;
  #result: Promise<CloseResult> | undefined;
  #overdue: PromiseWithResolvers<void> = Promise.withResolvers();
  #overdue_at = Infinity;
  #overdue_timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    server: ClosingServer,
    serving: Pick<Serving<never, never>, "close" | "run_out">,
    requests: Pick<Requests<never, never>, "tell" | "drain" | "reports" | "observation">,
    runner: Runner,
  ) {
    this.#server = server;
    this.#serving = serving;
    this.#requests = requests;
    this.#runner = runner;
  }

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#result !== undefined;
  }

  /**
   * Closes the server; of several calls the earliest deadline holds.
   *
   * @param grace How long requests under way may go on, in ms.
   */
  close(grace: number): Promise<CloseResult> {
    if (!this.done) this.#hasten(grace);
    return this.#result ??= this.#close();
  }

  /** Moves the deadline nearer, never farther. */
  #hasten(grace: number): void {
    const at = performance.now() + grace;
    if (at >= this.#overdue_at) return;
    this.#overdue_at = at;
    clearTimeout(this.#overdue_timer);
    this.#overdue_timer = set_timer(grace, () => this.#overdue.resolve());
    if (!this.#runner.waits_on_close && this.#overdue_timer) Deno.unrefTimer(this.#overdue_timer);
  }

  async #close(): Promise<CloseResult> {
    if (this.#server.socket?.retire?.()) await this.#serve_rest();
    this.#serving.close();
    if (!replies_through(this.#server.socket)) await this.#server.socket?.close();
    const over = this.#drain();
    return this.#runner.waits_on_close ? await over : { drained: 0, aborted: 0 };
  }

  async #drain(): Promise<CloseResult> {
    const draining = this.#requests.drain(this.#overdue.promise);
    const result = await draining.finally(() => this.#end());
    this.#requests.observation.stopped(result);
    return result;
  }

  /** Serves what was accepted of a socket at which others go on: no client shall notice. */
  async #serve_rest(): Promise<void> {
    this.#requests.tell();
    await Promise.race([this.#serving.run_out(), this.#overdue.promise]);
  }

  async #end(): Promise<void> {
    await this.#runner.release(this.#overdue.promise);
    await this.#server.socket?.close();
    clearTimeout(this.#overdue_timer);
    await this.#requests.reports.end();
    this.done = true;
  }
}

/**
 * Whether handlers reply through the server's own socket, as those of datagram servers do. It must stay
 * open until they are over. What is received no more waits in the system, and is lost at the end.
 */
export function replies_through(socket: unknown): boolean {
  return socket instanceof Object && "send" in socket;
}
