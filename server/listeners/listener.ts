import type { DatagramRequest, DatagramSender } from "../sockets/datagram_socket.ts";

/**
 * Where requests come from: what stands between a server and the system's socket.
 *
 * @typeParam T What it accepts.
 * @typeParam A The type of its address.
 */
export interface Listener<T = unknown, A = unknown> {
  /** The address it listens at; with port 0 asked for, the real port. */
  readonly addr: A;
  /**
   * Takes the next connection or datagram, at once where one is there already. One call at a time.
   *
   * @throws {Deno.errors.BadResource} Once the listener is closed.
   */
  accept(): T | Promise<T>;
  /** Stops listening; resolves when the address is free again. May be called twice. */
  close(): Promise<void>;
  /** Whether it was closed: a server's loop ends only then, whatever `accept()` throws. */
  readonly closed?: boolean;
  /** Keeps the program running while `accept()` waits; a call of `accept()` does this by itself. */
  ref?(): void;
  /** Lets the program end although `accept()` waits, as a server does that is made and not serving. */
  unref?(): void;
  /** Accepts nothing until {@linkcode resume}, where it accepts by itself: what comes waits in the system. */
  suspend?(): void;
  /** Goes on accepting. */
  resume?(): void;
  /** Says how many are asked for in a second: where it accepts by itself, no more than that need wait here. */
  pace?(per_second: number): void;
  /**
   * Stops accepting, if others go on at the same socket. What it has accepted by then is still given out,
   * and then it is closed: nothing is lost.
   *
   * @returns Whether others do.
   */
  retire?(): boolean;
  /** Whether the process has so many descriptors left. */
  has_descriptors?(count: number): boolean;
  /** Runs what takes one more descriptor for a moment. */
  with_spare?(use: () => void): void;
}

/** The longest queue that the system can be asked for (`int` in listen(2)); more would be a few. */
export const MAX_BACKLOG = 2 ** 31 - 1;

/**
 * Where a stream listener binds.
 *
 * @typeParam A The type of its address.
 */
export interface StreamListenOptions<A extends Deno.Addr = Deno.Addr> {
  /** The address: an IP address or a name with a port (0 lets the system choose), or a path. */
  addr: A;
  /** How many connections the system holds until they are accepted; as many may wait in the listener. */
  backlog: number;
  /** Whether other processes may listen at the same address (`SO_REUSEPORT`). */
  reuse_port: boolean;
  /** Whether connections have `TCP_NODELAY` from the start. */
  no_delay?: boolean;
  /** A descriptor of a socket that listens already: `addr` only says of what kind it is then. */
  fd?: number;
}

/**
 * Where a datagram listener binds.
 *
 * @typeParam A The type of its address.
 */
export interface DatagramListenOptions<A extends Deno.Addr = Deno.Addr> {
  /** The address: an IP address or a name with a port (0 lets the system choose), or a path. */
  addr: A;
  /** How many datagrams may wait in the program, where they don't in the system. */
  backlog: number;
  /** Whether others may bind to the same address (`SO_REUSEADDR`): they take the datagrams over. */
  reuse_address: boolean;
  /** The longest datagram that is taken, in bytes. */
  max_packet_size: number;
  /** Whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`): unless told, they may. */
  broadcast?: boolean;
  /** The multicast groups to join: see `ServerOptions.multicast_groups`. */
  groups?: readonly string[];
  /** Whether others may bind to the same address, and share its datagrams (`SO_REUSEPORT`). */
  reuse_port?: boolean;
  /** A socket to take that is bound already, with `UDPServer.inherit_socket()`: see `ServerOptions.inherit`. */
  inherit?: boolean | number | string;
}

/**
 * What makes a sender of datagrams in each worker of `ThreadingMixIn`: an exported function of a module, which
 * is called with the settings, and returns a {@linkcode DatagramSender}.
 */
export interface WorkerSender {
  /** The module's URL. */
  module: string;
  /** The name of the function. */
  name: string;
  /** What it is called with: a copy, by structured clone. */
  settings: unknown;
}

/**
 * Where the requests of datagram servers come from, each datagram being one, and what sends replies.
 *
 * @typeParam A The type of addresses.
 */
export interface DatagramListener<A extends Deno.Addr = Deno.Addr>
  extends Listener<[DatagramRequest<A>, A], A>, DatagramSender<A> {
  /**
   * What workers in threads of this process send with; without it they send through this thread. It is not used
   * any more when `close()` is called, unless a thread could not be ended.
   */
  readonly worker_sender?: WorkerSender;
}
