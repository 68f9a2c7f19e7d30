import type { ChildProcess } from "node:child_process";
import net from "node:net";
import { close_descriptor, duplicate_descriptor, spawn_child } from "../runtime/deno_internals.ts";
import type { ChildCommand } from "./child_command.ts";
import { prepare_for_process } from "./cloning.ts";
import { image_of } from "./error_image.ts";
import { type FromWorker, READ, TAKEN, type ToWorker } from "./messages.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/** Runs what takes one more descriptor for a moment: see {@linkcode HandoverListener.with_spare}. */
type WithSpare = (use: () => void) => void;
type JobMessage = Extract<ToWorker, { type: "job" }>;

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./process_entry.ts");

/** The URL of the module that a child process runs. */
export const PROCESS_ENTRY: string = new URL("./process_entry.ts", import.meta.url).href;

/** How long, in ms, what a child sent before its end may be on its way. */
const LAST_WORDS = 100;

/** How long, in ms, a child may leave a connection that was sent to it, or a question, unanswered. */
const PATIENCE = 5000;

/** How long, in ms, a connection waits until it is tried again whether it can be sent. */
const WANT = 50;

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid?: number;
  readonly shares_memory = false;
  #child: ChildProcess;
  #with_spare: WithSpare;
  #events: HostEvents;
  /** How many connections and questions it has not answered. */
  #open = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #complaint: string | undefined;
  /** Whether it may not have read all messages that came without a connection. */
  #unread = false;
  /** What waits until it has, or until there is a descriptor for the connection before it. */
  #held: ToWorker[] | undefined;
  #exited = false;

  /**
   * Starts a child process.
   *
   * @param command How.
   * @param events What is told of it.
   * @param with_spare Runs what takes one more descriptor for a moment.
   * @throws {Deno.errors.NotCapable} If `deno` may not be run.
   */
  constructor(
    { file, args, environment }: ChildCommand,
    events: HostEvents,
    with_spare: WithSpare = (use) => use(),
  ) {
    this.#with_spare = with_spare;
    this.#events = events;
    this.#child = spawn_child(file, args, environment);
    const { pid } = this.#child;
    if (pid !== undefined) this.pid = pid;
    this.name = pid === undefined ? "A child process" : `Child process ${pid}`;
    this.#child.on("message", (messages) => {
      if (messages === TAKEN) this.#answered();
      else if (messages === READ) this.#all_read();
      else events.received(messages as FromWorker[]);
    });
    this.#child.on("error", (error) => {
      if (this.pid === undefined) events.ended(error);
      else this.#end_unheard(error);
    });
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
    messages.forEach(prepare_for_process);
    for (const message of messages) this.#post(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  ref(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  unref(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Ends a child whose channel is broken: nothing that it says will ever be heard. */
  #end_unheard({ message }: Error): void {
    if (this.#complaint !== undefined) return;
    this.#complaint = `cannot be heard: ${message}`;
    this.#events.unheard(new Error(`${this.name} ${this.#complaint}`));
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
   * was sent to it silently, and holds back all that follows until it has come.
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

  #all_read(): void {
    this.#answered();
    this.#unread = false;
    this.#release();
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
    } else if (message.type !== "job" || message.fd === undefined) {
      this.#unread = true;
      this.#child.send([message], () => {});
    } else if (this.#unread) {
      this.#held = [message];
      this.#child.send(READ, () => {});
      this.#expect_answer();
    } else {
      this.#send_connection(message, open_socket(message.fd));
    }
  }

  /** Sends what was held. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#post(message);
  }

  /** Sends a connection, when there is a descriptor for its duplicate. */
  #send_connection(message: JobMessage, socket: net.Socket): void {
    if (this.#exited) return void socket.destroy();
    this.#with_spare(() => this.#try_to_send(message, socket));
  }

  #try_to_send(message: JobMessage, socket: net.Socket): void {
    if (!can_duplicate(socket)) {
      this.#held ??= [];
      setTimeout(() => this.#send_connection(message, socket), WANT);
      return;
    }
    try {
      this.#child.send([message], socket, { keepOpen: true }, () => socket.destroy());
      this.#expect_answer();
    } catch (error) {
      socket.destroy();
      // The caller that sent it may have returned.
      const done: FromWorker = { type: "done", id: message.id, error: image_of(error) };
      queueMicrotask(() => this.#events.received([done]));
    }
    this.#release();
  }
}

/** The connection of a job, which is the socket's from then on. */
function open_socket(fd: number): net.Socket {
  return new net.Socket({ fd, readable: false, writable: false }).on("error", () => {});
}

function can_duplicate(socket: net.Socket): boolean {
  const fd = duplicate_descriptor(socket);
  if (fd >= 0) close_descriptor(fd);
  return fd >= 0;
}

/** Closes the connection of a job that nobody will do. */
function drop(message: ToWorker): void {
  if (message.type === "job" && message.fd !== undefined) void close_descriptor(message.fd);
}
