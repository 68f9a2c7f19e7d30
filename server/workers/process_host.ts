import type { ChildProcess } from "node:child_process";
import net from "node:net";
import { spawn_child } from "../runtime.ts";
import { discard } from "./carriage.ts";
import type { ChildCommand } from "./child_command.ts";
import { type FromWorker, type Parcel, READ, TAKEN, type ToWorker } from "./messages.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./process_entry.ts");

/** The URL of the module that a child process runs. */
export const PROCESS_ENTRY: string = new URL("./process_entry.ts", import.meta.url).href;

/** How long, in ms, what a child sent before its end may be on its way. */
const LAST_WORDS = 100;

/** How long, in ms, a child may leave a connection that was sent to it, or a question, unanswered. */
const PATIENCE = 5000;

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid?: number;
  readonly shares_memory = false;
  #child: ChildProcess;
  /** How many connections and questions it has not answered. */
  #open = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #complaint: string | undefined;
  /** Whether it may not have read all messages that came without a connection. */
  #unread = false;
  /** What waits until it has. */
  #held: ToWorker[] | undefined;
  #exited = false;

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
      if (messages === TAKEN) this.#answered();
      else if (messages === READ) this.#release();
      else events.received(messages as FromWorker[]);
    });
    this.#child.once("error", (error) => events.ended(error));
    this.#child.once("exit", (code, signal) => {
      clearTimeout(this.#patience);
      this.#exited = true;
      this.#held?.forEach(drop);
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
   * Ends a child that does not answer. Where it has no descriptor left, Deno drops the connection that
   * was sent to it without a word, and holds back all that follows until it has come.
   */
  #expect_answer(): void {
    this.#open++;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#complaint = `took no connection within ${PATIENCE} ms: ` +
        "it computes, or has no descriptor left";
      this.kill();
    }, PATIENCE);
  }

  #answered(): void {
    if (--this.#open === 0) clearTimeout(this.#patience);
  }

  /**
   * A connection travels as a descriptor that the system duplicates. Deno loses it in a child that reads
   * it together with what was sent before, so that must have been read.
   */
  #post(message: ToWorker): void {
    if (this.#exited) {
      drop(message);
    } else if (this.#held) {
      this.#held.push(message);
    } else if (message.type !== "request" || message.parcel.kind !== "descriptor") {
      this.#unread = true;
      this.#child.send([message], () => {});
    } else if (this.#unread) {
      this.#held = [message];
      this.#child.send(READ, () => {});
      this.#expect_answer();
    } else {
      this.#send_connection(message, message.parcel);
    }
  }

  #release(): void {
    this.#answered();
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#unread = false;
    for (const message of held) this.#post(message);
  }

  #send_connection(message: ToWorker, parcel: Extract<Parcel, { kind: "descriptor" }>): void {
    const socket = new net.Socket({ fd: parcel.fd, readable: false, writable: false });
    // The socket has it now: nobody else closes it, and the number means nothing in the child.
    parcel.fd = -1;
    socket.on("error", () => {});
    try {
      this.#child.send([message], socket, { keepOpen: true }, () => socket.destroy());
      this.#expect_answer();
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
}

/** Closes the connection of a request that nobody will get. */
function drop(message: ToWorker): void {
  if (message.type === "request") discard(message.parcel);
}
