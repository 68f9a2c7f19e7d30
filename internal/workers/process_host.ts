import type { ChildProcess } from "node:child_process";
import net from "node:net";
import {
  close_descriptor,
  close_handle,
  duplicate_descriptor,
  type EndSignal,
  is_cut_short,
  signal_child,
  spawn_child,
} from "../runtime/deno_internals.ts";
import type { ChildCommand } from "./child_command.ts";
import { prepare_for_process } from "./cloning.ts";
import { type Mark, new_mark, seal, unseal } from "./envelope.ts";
import { image_of } from "./error_image.ts";
import {
  type ChildStart,
  type FromWorker,
  READ,
  TAKEN,
  type ToWorker,
  UNHEARD,
} from "./messages.ts";
import { PIPE, PoolPipe } from "./result_pipe.ts";
import type { HostEvents, WorkerHost } from "./worker_host.ts";

/** Runs what takes one more descriptor for a moment: see {@linkcode HandoverListener.with_spare}. */
type WithSpare = (use: () => void) => void;
/** A message that may have a connection with it. */
type WithConnection = Extract<ToWorker, { type: "job" | "connection" }>;

/** Never called: see `load_entry` in `thread_host.ts`. */
export const load_entry = (): Promise<unknown> => import("./process_entry.ts");

/** The same. */
export const load_single_entry = (): Promise<unknown> => import("./single_process_entry.ts");

/** The URL of the module that a child process of a server or a pool runs. */
export const PROCESS_ENTRY: string = new URL("./process_entry.ts", import.meta.url).href;

/** The same for one that runs one thing, and that SIGTERM ends. */
export const SINGLE_PROCESS_ENTRY: string =
  new URL("./single_process_entry.ts", import.meta.url).href;

/** How long, in ms, what a child sent before its end may be on its way. */
const LAST_WORDS = 100;
/** Of how many ms of that a busy thread may have read nothing. */
const TICK = 20;

/** How long, in ms, a child may leave a connection that was sent to it, or a question, unanswered. */
const PATIENCE = 5000;

/** How long, in ms, a child that has closed its channel may take to end. */
const ENDING = 1000;

/** How long, in ms, a connection waits until it is tried again whether it can be sent. */
const WANT = 50;

/** A worker in a process of its own. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  readonly pid?: number;
  readonly shares_memory = false;
  readonly pipe?: PoolPipe;
  #child: ChildProcess;
  #mark: Mark = new_mark();
  #with_spare: WithSpare;
  #events: HostEvents;
  /** How many connections and questions it has not answered. */
  #open = 0;
  /** Whether it has said anything. */
  #is_heard = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #complaint: string | undefined;
  /** Whether it may not have read all messages that came without a connection. */
  #unread = true;
  /** What waits until it has, or until there is a descriptor for the connection before it. */
  #held: ToWorker[] | undefined;
  #exited = false;

  /**
   * Starts a child process.
   *
   * @param command How. Where it may not be run (any more), the child has ended at once.
   * @param events What is told of it.
   * @param with_spare Runs what takes one more descriptor for a moment.
   * @param has_pipe Whether it does one job at a time, and others are sent ahead.
   */
  constructor(
    command: ChildCommand,
    events: HostEvents,
    with_spare: WithSpare = (use) => use(),
    has_pipe = false,
  ) {
    this.#with_spare = with_spare;
    this.#events = events;
    this.#child = spawn_child(command, has_pipe);
    const { pid } = this.#child;
    if (pid !== undefined) this.pid = pid;
    this.name = pid === undefined ? "A child process" : `Child process ${pid}`;
    this.#child.on("message", (message, handle) => this.#receive(message, handle));
    // So does Deno call what looks like one of its own.
    this.#child.on("internalMessage", (_message, handle) => this.#refuse(handle));
    this.#child.on("error", (error) => {
      if (this.pid === undefined) events.ended(error);
      else if (is_cut_short(error)) this.#expect_end(error, LAST_WORDS);
      else this.#end_unheard(error);
    });
    this.#child.once("disconnect", () => {
      this.#expect_end(new Error("it has closed its channel"), ENDING);
    });
    this.#child.once("exit", (code, signal) => {
      clearTimeout(this.#patience);
      clearTimeout(this.#ending);
      this.#exited = true;
      // Once: its answer may still come, and the numbers may be others' by then.
      this.#release();
      const how = this.#complaint ?? how_it_ended(code, signal);
      const cause = new Error(`${this.name} ${how}`);
      this.#hear_out(() => events.ended(cause, true, { exitcode: code, signal }));
    });
    const pipe = this.#child.stdio[PIPE] as net.Socket | undefined;
    if (pipe) this.pipe = new PoolPipe(pipe);
    const { folder } = command;
    const start: ChildStart = { mark: this.#mark, folder, has_pipe };
    if (pid !== undefined) this.#child.send(start, () => {});
  }

  post(messages: ToWorker[]): void {
    // It could not be started: its "error" event says why.
    if (this.pid === undefined) return messages.forEach(drop);
    messages.forEach(prepare_for_process);
    const one_by_one = this.#held || this.#exited || messages.some(carries_connection);
    if (!one_by_one) return this.#send_all(messages);
    for (const message of messages) this.#post(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Sends it a signal, and hears what it says until it has ended. */
  signal(name: EndSignal): void {
    signal_child(this.#child, name);
  }

  ref(): void {
    this.#hold("ref");
  }

  unref(): void {
    this.#hold("unref");
  }

  #hold(method: "ref" | "unref"): void {
    try {
      this.#child[method]();
    } catch (error) {
      // It has just ended, and that is about to be told.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    this.#child.channel?.[method]();
  }

  #receive(message: unknown, handle: unknown): void {
    this.#refuse(handle);
    const content = unseal(this.#mark, message);
    if (content === undefined) return;
    this.#is_heard = true;
    if (content === TAKEN) this.#answered();
    else if (content === READ) this.#all_read();
    else this.#events.received(content as FromWorker[]);
  }

  /** Closes what a child has sent with a message: nobody asks for any. */
  #refuse(handle: unknown): void {
    if (handle) close_handle(handle);
  }

  #send(content: unknown): void {
    this.#child.send(seal(this.#mark, content), () => {});
  }

  /** Ends a child that cannot be heard any more, and lives. One that ends closes its channel, too. */
  #expect_end(error: Error, within: number): void {
    if (this.#exited || this.#ending !== undefined) return;
    this.#ending = setTimeout(() => this.#end_unheard(error), within);
  }

  /** Ends a child whose channel is broken: nothing that it says will ever be heard. */
  #end_unheard({ message }: Error): void {
    if (this.#complaint !== undefined) return;
    this.#complaint = `cannot be heard: ${message}`;
    this.#events.unheard(new Error(`${this.name} ${this.#complaint}`));
  }

  /** Waits for what it sent before its end, which is still on its way when it has ended. */
  #hear_out(done: () => void): void {
    const is_heard = () => !this.#child.connected && (this.pipe?.has_ended ?? true);
    if (is_heard()) return done();
    const heard = () => {
      if (!is_heard()) return;
      clearTimeout(timer);
      done();
    };
    // They may stay open: a program that the child has started may hold them.
    let left = LAST_WORDS;
    const look = () => {
      left -= TICK;
      if (left > 0) return void (timer = setTimeout(look, TICK));
      this.#child.removeListener("disconnect", heard);
      if (this.#child.connected) this.#child.disconnect();
      this.pipe?.close();
      done();
    };
    let timer = setTimeout(look, TICK);
    this.#child.once("disconnect", heard);
    this.pipe?.on_end(heard);
  }

  /**
   * Ends a child that does not answer. Where it has no descriptor left, Deno drops the connection that
   * was sent to it silently, and holds back all that follows until it has come.
   */
  #expect_answer(): void {
    this.#open++;
    // It may take its time to start.
    if (!this.#is_heard) return;
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
    } else if (!carries_connection(message)) {
      this.#send_all([message]);
    } else if (this.#unread) {
      this.#held = [message];
      this.#send(READ);
      this.#expect_answer();
    } else {
      this.#send_connection(message, open_socket(message.fd));
    }
  }

  #send_all(messages: ToWorker[]): void {
    this.#unread = true;
    this.#send(messages);
  }

  /** Sends what was held. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#post(message);
  }

  /** Sends a connection, when there is a descriptor for its duplicate. */
  #send_connection(message: WithConnection, socket: net.Socket): void {
    if (this.#exited) return void socket.destroy();
    this.#with_spare(() => this.#try_to_send(message, socket));
  }

  #try_to_send(message: WithConnection, socket: net.Socket): void {
    if (!can_duplicate(socket)) {
      this.#held ??= [];
      setTimeout(() => this.#send_connection(message, socket), WANT);
      return;
    }
    try {
      const sealed = seal(this.#mark, [message]);
      this.#child.send(sealed, socket, { keepOpen: true }, () => socket.destroy());
      this.#expect_answer();
    } catch (error) {
      socket.destroy();
      // A connection that is named by another message is not found there; its sender has it still.
      if (message.type === "job") this.#failed(message.id, error);
    }
    this.#release();
  }

  /** A job could not be sent. The caller that sent it may have returned. */
  #failed(id: number, error: unknown): void {
    const done: FromWorker = { type: "done", id, error: image_of(error) };
    queueMicrotask(() => this.#events.received([done]));
  }
}

function how_it_ended(code: number | null, signal: string | null): string {
  if (signal) return `was ended by ${signal}`;
  const why = code === UNHEARD ? ": what it said did not arrive any more" : "";
  return `ended with code ${code}${why}`;
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

function carries_connection(message: ToWorker): message is WithConnection & { fd: number } {
  return (message.type === "job" || message.type === "connection") && message.fd !== undefined;
}

/** Closes a connection that nobody will have. */
function drop(message: ToWorker): void {
  if (carries_connection(message)) void close_descriptor(message.fd);
}
