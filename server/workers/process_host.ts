import type { ChildProcess } from "node:child_process";
import net from "node:net";
import { spawn_child } from "../runtime.ts";
import type { ChildCommand } from "./child_command.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./process_entry.ts");

/** The URL of the module that a child process runs. */
export const PROCESS_ENTRY: string = new URL("./process_entry.ts", import.meta.url).href;

/** How long, in ms, what a child sent before its end may be on its way. */
const LAST_WORDS = 100;

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid?: number;
  readonly shares_memory = false;
  #child: ChildProcess;

  /**
   * Starts a child process.
   *
   * @param command How.
   * @param events What is told of it.
   * @throws {Deno.errors.NotCapable} If `deno` may not be run.
   */
  constructor({ file, args, environment }: ChildCommand, events: HostEvents) {
    this.#child = spawn_child(file, args, environment);
    const { pid } = this.#child;
    if (pid !== undefined) this.pid = pid;
    this.name = pid === undefined ? "A child process" : `Child process ${pid}`;
    this.#child.on("message", (messages) => events.received(messages as FromWorker[]));
    this.#child.once("error", (error) => events.ended(error));
    this.#child.once("exit", (code, signal) => {
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      this.#hear_out(() => events.ended(new Error(`${this.name} ${how}`)));
    });
  }

  post(messages: ToWorker[]): void {
    // It could not be started: its "error" event says why.
    if (this.pid === undefined) return;
    for (const message of messages) this.#post(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  unref(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Waits for what it sent before its end, which is still on its way when it has ended. */
  #hear_out(done: () => void): void {
    if (!this.#child.connected) return done();
    // The channel may stay open: a program that the child has started may hold it.
    const timer = setTimeout(() => {
      this.#child.removeListener("disconnect", heard);
      if (this.#child.connected) this.#child.disconnect();
      done();
    }, LAST_WORDS);
    const heard = () => {
      clearTimeout(timer);
      done();
    };
    this.#child.once("disconnect", heard);
  }

  /** A connection travels beside its message, as a descriptor that the system duplicates. */
  #post(message: ToWorker): void {
    if (message.type !== "request" || message.parcel.kind !== "descriptor") {
      this.#child.send([message], () => {});
      return;
    }
    const { fd } = message.parcel;
    const socket = new net.Socket({ fd, readable: false, writable: false });
    socket.on("error", () => {});
    this.#child.send([message], socket, { keepOpen: true }, () => socket.destroy());
  }
}
