/**
 * All that depends on how Deno is built inside, and nothing else: the undocumented members of
 * `node:net` and `node:child_process` below, and one side effect each of Web Locks and of stripping
 * types. Each has a check here and a test that says in words what stopped working when a later Deno
 * changes it (`tests/internal/runtime/deno_internals_test.ts`; for the last one `tests/faults/descriptors_test.ts`).
 *
 * Measured on Deno 2.9.6, Linux: a descriptor made by `fdForIpc` belongs to the process, so another
 * thread can open it with the public `new net.Socket({ fd })`.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import module from "node:module";
import type net from "node:net";
import process from "node:process";
import type { MessagePort, Worker } from "node:worker_threads";
import { type BareHandle, is_bare } from "./bare_stream.ts";
import type { DescriptorTable } from "./descriptor_table.ts";
import { late } from "./late.ts";

/** The oldest Deno whose workers and child processes do what is needed of them. */
const OLDEST = "2.9.6";

/**
 * Refuses an older Deno, where servers with workers fail in odd ways, some only when they close.
 *
 * @throws {Deno.errors.NotSupported} If it is one.
 */
export function refuse_old_deno(version: string = Deno.version.deno): void {
  const order = new Intl.Collator("en", { numeric: true });
  if (order.compare(version, OLDEST) >= 0) return;
  throw new Deno.errors.NotSupported(
    `Workers and child processes need Deno ${OLDEST} or newer: this is ${version}`,
  );
}

/** The undocumented members of a `node:net` handle. */
interface Handle {
  /** A duplicate of the descriptor, closed on exec; -1 if there is none to be had. */
  fdForIpc?(): number;
  /** On a handle that listens already: looks for connections once more. */
  listen?(backlog: number): number;
  /** Has the system read, or lets it wait. */
  readStart?(): number;
  readStop?(): number;
}

/** The undocumented handle of a connection: `TCP`, or `Pipe` for Unix sockets. */
interface ConnectionHandle extends Handle {
  /** Takes over a descriptor; 0 if it could. */
  open(fd: number): number;
  close(closed?: () => void): void;
}

/** What only the handle of a TCP connection has. */
interface TcpHandle extends ConnectionHandle {
  /** Takes a duplicate of a connection of Deno's own, by its number; 0 if it could. */
  openFromRid?(rid: number): number;
  setNoDelay(no_delay: boolean): number;
  setKeepAlive(keep_alive: boolean, delay_seconds: number): number;
}

/** Where the constructors of handles are. */
interface Bindings {
  binding?(name: "pipe_wrap" | "tcp_wrap"): {
    Pipe?: new (kind: number) => ConnectionHandle;
    TCP?: new (kind: number) => TcpHandle;
  };
}

/** What a handle is made for: a connection. */
const CONNECTION = 0;

/** The undocumented members of `net.Server` and `net.Socket`. */
interface Internals {
  _handle: Handle | null;
  /** Binds and listens before it returns; the family is 4 or 6. */
  _listen2?(
    ip: string | null,
    port: number | null,
    family: number | null,
    backlog: number,
    fd?: number,
  ): void;
}

/** The undocumented constructor and method of `ChildProcess`: what `spawn()` calls in the end. */
interface Spawnable {
  new (): ChildProcess & {
    spawn(options: {
      file: string;
      /** The first one is the name of the program. */
      args: string[];
      /** Each as `NAME=value`. */
      envPairs: string[];
      cwd: string;
      stdio: string[];
      serialization: "advanced";
    }): void;
  };
}

/** As much of Web Locks as is used here. */
interface LockManager {
  request(name: string, hold: () => Promise<never>): Promise<never>;
}

function bindings(name: "pipe_wrap" | "tcp_wrap"): ReturnType<NonNullable<Bindings["binding"]>> {
  return (process as unknown as Bindings).binding?.(name) ?? {};
}

function internals(object: net.Server | net.Socket): Internals {
  return object as unknown as Internals;
}

/**
 * Whether connections can be handed to another thread as descriptors here. Not on Windows, and not
 * where Deno has no such members: connections are relayed then.
 */
export function can_hand_over(): boolean {
  return Deno.build.os !== "windows" &&
    typeof internals(late.net.Server.prototype)._listen2 === "function";
}

/**
 * Binds and listens at once, where `listen` would first go through the event loop.
 *
 * @param server The server.
 * @param where An IP address, or a path.
 * @param port A port; -1 for a path.
 * @param backlog How many connections the system holds.
 * @returns Whether it listens. The server emits `error` later if not.
 */
export function listen_now(
  server: net.Server,
  where: string,
  port: number,
  backlog: number,
): boolean {
  const family = late.net.isIPv6(where) ? 6 : 4;
  internals(server)._listen2?.(where, port, port < 0 ? -1 : family, backlog);
  return is_listening(server);
}

/**
 * Lets a listener look for connections again. A `node:net` server that met the limit of descriptors
 * (EMFILE) stops accepting without an error and never starts again by itself.
 */
export function wake_listener(server: net.Server, backlog: number): void {
  internals(server)._handle?.listen?.(backlog);
}

/** Lets a new server listen at the socket of another one, of which it is given a descriptor. */
export function resume_listener(server: net.Server, fd: number, backlog: number): void {
  internals(server)._listen2?.(null, null, null, backlog, fd);
}

/** Whether a server listens: its own `listening` says so only a turn later. */
export function is_listening(server: net.Server): boolean {
  return internals(server)._handle !== null;
}

/**
 * Keeps a descriptor in a socket that nobody uses. Deno closes that when the isolate ends (a worker
 * that is terminated, a restart with `--watch`); it does not close a bare number, nor one in the handle
 * of Unix sockets, so that of TCP is taken for both.
 */
export function hold_descriptor(fd: number): net.Socket {
  const { TCP } = bindings("tcp_wrap");
  const handle = TCP && new TCP(CONNECTION);
  // What it cannot open Deno has closed by then: the number may be another's, and must not be opened again.
  handle?.open(fd);
  const source = handle ? { handle } : { fd };
  return new late.net.Socket({ ...source, readable: false } as net.SocketConstructorOpts)
    .on("error", () => {});
}

/** Closes a descriptor that is held; resolves when it is closed. */
export function close_held(held: net.Socket): Promise<void> {
  return new Promise((resolve) => held.on("close", () => resolve()).destroy());
}

/** Whether the process has so many descriptors left: tried with duplicates of a socket's own. */
export function has_descriptors(socket: net.Server | net.Socket, count: number): boolean {
  const handle = internals(socket)._handle;
  if (!handle?.fdForIpc) return true;
  const duplicates = Array.from({ length: count }, () => handle.fdForIpc!());
  for (const fd of duplicates) if (fd >= 0) close_descriptor(fd);
  return !duplicates.includes(-1);
}

/**
 * Lets what comes wait in the system; `false` where that is not known here. The public `pause()` takes
 * effect a turn later, and goes through the states of a stream.
 */
export function stop_reading(socket: net.Socket): boolean {
  return internals(socket)._handle?.readStop?.() === 0;
}

/** Takes what comes again; `false` where that is not known here. */
export function start_reading(socket: net.Socket): boolean {
  return internals(socket)._handle?.readStart?.() === 0;
}

/** Closes the descriptor of a socket that nobody has opened; resolves when it is closed. */
export function close_descriptor(fd: number): Promise<void> {
  return close_held(hold_descriptor(fd));
}

/**
 * A new descriptor of the socket, which the caller must close; -1 if descriptors ran out. A listening
 * socket, and what waits there, lives on in it when the listener is closed.
 */
export function duplicate_descriptor(socket: net.Server | net.Socket): number {
  return internals(socket)._handle?.fdForIpc?.() ?? -1;
}

/** What the symbol is called by which a connection of Deno's own has its number. */
const RID = "Deno.internal.rid";

/** The number of one of Deno's own connections, listeners or files; `undefined` for anything else. */
export function rid_of(object: object): number | undefined {
  const symbol = Object.getOwnPropertySymbols(object).find(({ description }) =>
    description === RID
  );
  return symbol && (object as Record<symbol, number>)[symbol];
}

/**
 * A new descriptor of a `Deno.TcpConn`, which the caller must close; -1 where there is none to be had. The
 * connection itself must stay open as long as that is used: Deno sends FIN when it closes its own.
 */
export function duplicate_conn(conn: object): number {
  const rid = rid_of(conn);
  const { TCP } = bindings("tcp_wrap");
  if (rid === undefined || !TCP) return -1;
  const handle = new TCP(CONNECTION);
  if (handle.openFromRid?.(rid) !== 0) return -1;
  const fd = handle.fdForIpc?.() ?? -1;
  handle.close();
  return fd;
}

/**
 * A socket over the descriptor of a stream connection. TCP too goes through the handle of Unix sockets:
 * that of TCP drops what waits to be sent when the peer has sent FIN and nothing before it.
 *
 * @param fd The descriptor, which belongs to the socket from then on.
 * @param options The options of the socket.
 * @param table Where it is noted while it is open.
 */
export function open_descriptor(
  fd: number,
  options: net.SocketConstructorOpts,
  table?: DescriptorTable,
): net.Socket {
  const handle = open_handle(fd, table);
  if (!handle) {
    // Nobody would note its end.
    table?.closing(fd);
    return new late.net.Socket({ ...options, fd });
  }
  return new late.net.Socket({ ...options, handle } as net.SocketConstructorOpts);
}

/** The same without a socket around it; `undefined` where that cannot be had, and the descriptor is not opened. */
export function open_bare(fd: number, table?: DescriptorTable): BareHandle | undefined {
  const { Pipe } = bindings("pipe_wrap");
  if (!Pipe || !is_bare(Pipe.prototype)) return undefined;
  return open_handle(fd, table) as (ConnectionHandle & BareHandle) | undefined;
}

function open_handle(fd: number, table: DescriptorTable | undefined): ConnectionHandle | undefined {
  const { Pipe } = bindings("pipe_wrap");
  const handle = Pipe && new Pipe(CONNECTION);
  if (handle?.open(fd) !== 0) return undefined;
  if (table) note_in(table, fd, handle);
  return handle;
}

/** Notes that a descriptor is open, until its handle is told to close it. */
function note_in(table: DescriptorTable, fd: number, handle: ConnectionHandle): void {
  const { close } = handle;
  table.opened(fd);
  handle.close = (closed) => {
    // Once: after that the number may be another connection's.
    handle.close = close;
    table.closing(fd);
    close.call(handle, closed);
  };
}

/** Makes a socket with the options that it is given. */
export type OpenSocket = (options: net.SocketConstructorOpts) => net.Socket;

/** The connection in a new socket with other options; the old one is destroyed. */
export function reopen_socket(old: net.Socket, options: net.SocketConstructorOpts): net.Socket {
  return take_out(old)(options);
}

/** The same without a socket around it; `undefined` where that cannot be had, and the old one stays. */
export function reopen_bare(old: net.Socket): BareHandle | undefined {
  const fd = duplicate_descriptor(old);
  const handle = fd < 0 ? undefined : open_bare(fd);
  if (handle) old.destroy();
  else if (fd >= 0) close_descriptor(fd);
  return handle;
}

/** Takes a connection out of its socket, which is destroyed: it would read. Gives how to put it into another one. */
export function take_out(old: net.Socket): OpenSocket {
  const fd = duplicate_descriptor(old);
  if (fd >= 0) {
    old.destroy();
    return (options) => open_descriptor(fd, options);
  }
  // No descriptor is left at the moment: use the handle itself.
  const { _handle: handle } = internals(old);
  internals(old)._handle = null;
  old.destroy();
  return (options) => new late.net.Socket({ ...options, handle } as net.SocketConstructorOpts);
}

/** Sets an option of a TCP connection, which the sockets and handles of a descriptor cannot do. */
export function set_tcp_option(
  connection: net.Socket | BareHandle,
  set: (handle: TcpHandle) => void,
): void {
  const { TCP } = bindings("tcp_wrap");
  const handle = connection instanceof late.net.Socket ? internals(connection)._handle : connection;
  const fd = TCP ? handle?.fdForIpc?.() ?? -1 : -1;
  if (!TCP || fd < 0) return;
  const copy = new TCP(CONNECTION);
  copy.open(fd);
  set(copy);
  copy.close();
}

/** How to start a child process. */
export interface ChildProgram {
  /** The program. */
  file: string;
  /** Its arguments, without its name. */
  args: string[];
  /** Its environment, as `NAME=value`. */
  environment: string[];
  /** The folder in which it starts. */
  cwd: string;
}

/**
 * Starts a child process with a channel for messages and sockets. The public `spawn()` does the same,
 * but reads the environment, for which it asks for a permission. A child that cannot be started, or may
 * not be, has no number and emits `error`.
 */
export function spawn_child(
  { file, args, environment, cwd }: ChildProgram,
  has_pipe = false,
): ChildProcess {
  const child = new (late.child_process.ChildProcess as unknown as Spawnable)();
  child.spawn({
    file,
    args: [file, ...args],
    envPairs: environment,
    cwd,
    stdio: ["ignore", "inherit", "inherit", "ipc", ...has_pipe ? ["pipe"] : []],
    serialization: "advanced",
  });
  return child;
}

/** Whether an error of a child's channel says that it was closed in the middle of a message: the child may have ended. */
export function is_cut_short({ message }: Error): boolean {
  return message === "ipc stream closed while reading message";
}

/** A signal that is there to end a process. */
export type EndSignal = "SIGTERM" | "SIGKILL";

/** What `kill()` sets in a child process of `node:child_process`, and calls. */
interface Killed {
  disconnect: unknown;
  killed: boolean;
  signalCode: string | null;
}

/**
 * Sends a signal to a child that may go on. Its own `kill()` takes that for its end: it closes the channel, names the
 * signal as what the child has ended by, and sends no second one. `Deno.kill()` needs the permission to run anything.
 */
export function signal_child(child: ChildProcess, name: EndSignal): void {
  const killed = child as unknown as Killed;
  const { disconnect, signalCode } = killed;
  killed.disconnect = undefined;
  child.kill(name);
  Object.assign(killed, { disconnect, signalCode, killed: false });
}

/** What can come with a message of another process: a socket, a server, or one of their handles. */
interface Handed {
  on?(event: "error", ignore: () => void): void;
  destroy?(): void;
  close?(): void;
}

/** Closes what came with a message of another process. */
export function close_handle(handle: unknown): void {
  const handed = handle as Handed;
  handed.on?.("error", () => {});
  if (handed.destroy) handed.destroy();
  else handed.close?.();
}

/** The undocumented methods of a `Worker` that are used here. */
interface Measured {
  /** The processor time that its thread has used, in microseconds. */
  cpuUsage?(): Promise<{ user: number; system: number }>;
}

/** The processor time that a thread has used, in ms; 0 where that is not known, as when it is ending. */
export async function cpu_time(worker: Worker): Promise<number> {
  try {
    const { user = 0, system = 0 } = await (worker as Measured).cpuUsage?.() ?? {};
    return (user + system) / 1000;
  } catch {
    return 0;
  }
}

/**
 * Resolves when the other end of a port was closed, or its thread is gone: Deno closes it when the
 * thread's runtime is dropped, after all that runs there and all that was sent. No other sign comes so
 * late: a Web Lock is released, and "exit" emitted, while the thread still runs.
 */
export function port_closed(port: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    (port as unknown as EventTarget).addEventListener("close", () => resolve());
  });
}

/**
 * Makes this worker killable: Deno halts a `node:worker_threads` worker that holds a Web Lock even
 * in an endless loop, and no other. The lock is held until the worker ends.
 */
export function become_killable(): void {
  // Web Locks are not in Deno's types, and where Deno has none nothing is lost but the kill.
  const { locks } = navigator as unknown as { locks?: LockManager };
  locks?.request(crypto.randomUUID(), () => new Promise<never>(() => {}));
}

/** The name of a property that objects of the platform have, such as a `URL`. */
const BRAND = Object.getOwnPropertySymbols(new TextDecoder()).find(({ description }) =>
  description === "[[webidl.brand]]"
);

/** Whether an object is one of the platform, with parts that only the platform sees. */
export function is_platform_object(object: object): boolean {
  return BRAND !== undefined && Object.hasOwn(object, BRAND);
}

/** As much of `node:module` as is used here; Deno's types lack it. */
interface TypeStripping {
  stripTypeScriptTypes?(code: string): string;
}

let stacks_are_prepared = false;

/**
 * Makes it safe to print errors when descriptors have run out. Deno transpiles a module once more then,
 * for the source map of the stack, and panics the first time it does so in the main thread: the parser
 * wants to know how large the thread's stack is, for which a file must be opened. So it is asked to
 * parse something now.
 */
export function prepare_stacks(): void {
  if (stacks_are_prepared) return;
  stacks_are_prepared = true;
  // A block is enough; an expression alone is parsed without that question.
  (module as TypeStripping).stripTypeScriptTypes?.("if (1) {}");
}
