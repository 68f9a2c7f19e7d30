import type { ChildProcess } from "node:child_process";
import net from "node:net";
import { spawn_child } from "../runtime.ts";
import type { ChildCommand } from "./child_command.ts";
import { type FromWorker, TAKEN, type ToWorker } from "./messages.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./process_entry.ts");

/** The URL of the module that a child process runs. */
export const PROCESS_ENTRY: string = new URL("./process_entry.ts", import.meta.url).href;

/** How long, in ms, what a child sent before its end may be on its way. */
const LAST_WORDS = 100;

/** How long, in ms, a child may leave a connection that was sent to it untaken. */
const TAKING = 5000;

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid?: number;
  readonly shares_memory = false;
  #child: ChildProcess;
  /** How many connections are on their way to it. */
  #untaken = 0;
  #taking: ReturnType<typeof setTimeout> | undefined;
  #complaint: string | undefined;

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
    this.#child.on("message", (messages) => {
      if (messages === TAKEN) this.#taken();
      else events.received(messages as FromWorker[]);
    });
    this.#child.once("error", (error) => events.ended(error));
    this.#child.once("exit", (code, signal) => {
      clearTimeout(this.#taking);
      const how = this.#complaint ??
        (signal ? `was ended by ${signal}` : `ended with code ${code}`);
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

  /**
   * Ends a child that cannot take a connection, for want of descriptors. Deno drops it there without a
   * word, and holds back all that follows until it has come: such a child hears nothing any more.
   */
  #expect_taken(): void {
    this.#untaken++;
    clearTimeout(this.#taking);
    this.#taking = setTimeout(() => {
      this.#complaint = `took no connection within ${TAKING} ms: it may have no descriptor left`;
      this.kill();
    }, TAKING);
  }

  #taken(): void {
    if (--this.#untaken === 0) clearTimeout(this.#taking);
  }

  /** A connection travels as a descriptor that the system duplicates. */
  #post(message: ToWorker): void {
    if (message.type !== "request" || message.parcel.kind !== "descriptor") {
      this.#child.send([message], () => {});
      return;
    }
    const { parcel } = message;
    const socket = new net.Socket({ fd: parcel.fd, readable: false, writable: false });
    // The socket has it now: nobody else closes it, and the number means nothing in the child.
    parcel.fd = -1;
    socket.on("error", () => {});
    try {
      this.#child.send([message], socket, { keepOpen: true }, () => socket.destroy());
      this.#expect_taken();
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
}
