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

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid: number;
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
    this.pid = this.#child.pid!;
    this.name = `Child process ${this.pid}`;
    this.#child.on("message", (messages) => events.received(messages as FromWorker[]));
    // Messages that it sent before its end are still on their way when it has ended.
    const told = new Promise<void>((resolve) => this.#child.once("disconnect", resolve));
    this.#child.once("error", (error) => events.ended(error));
    this.#child.once("exit", async (code, signal) => {
      await told;
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      events.ended(new Error(`${this.name} ${how}`));
    });
  }

  post(messages: ToWorker[]): void {
    for (const message of messages) this.#post(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  unref(): void {
    this.#child.unref();
    this.#child.channel?.unref();
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
