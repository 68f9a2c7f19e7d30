/**
 * Where requests come from: what stands between a server and the system's listening socket.
 *
 * @typeParam T What it accepts.
 * @typeParam A The type of its address.
 */
export interface Listener<T = unknown, A = unknown> {
  /** The address it listens at; with port 0 asked for, the real port. */
  readonly addr: A;
  /**
   * Takes the next connection, at once where one is there already. One call at a time.
   *
   * @throws {Deno.errors.BadResource} Once the listener is closed.
   */
  accept(): T | Promise<T>;
  /** Stops listening; resolves when the address is free again. May be called twice. */
  close(): Promise<void>;
}

/** Where a TCP listener binds. */
export interface TcpListenOptions {
  /** The IP address or name. */
  hostname: string;
  /** The port; 0 lets the system choose. */
  port: number;
  /** How many connections the system holds until they are accepted. */
  backlog: number;
  /** Whether other processes may listen at the same address (`SO_REUSEPORT`). */
  reuse_port: boolean;
}
