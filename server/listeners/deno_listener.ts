import { SocketPath } from "../sockets/socket_path.ts";
import { StreamSocket } from "../sockets/stream_socket.ts";
import { type Listener, MAX_BACKLOG, type StreamListenOptions } from "./listener.ts";

/** A stream listener over `Deno.listen`: its connections are served in this thread. */
export class DenoListener<A extends Deno.Addr> implements Listener<StreamSocket<A>, A> {
  readonly addr: A;
  #listener: Deno.Listener;
  #path: SocketPath | undefined;
  /** The accept under way: the address is free only when it has settled. */
  #accepting: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Binds and listens at once; throws what `Deno.listen` throws. */
  constructor({ addr, backlog, reuse_port }: StreamListenOptions<A>) {
    if (addr.transport === "unix") {
      [this.#listener, this.#path] = SocketPath.bind(
        addr as Deno.UnixAddr,
        (path) => Deno.listen({ transport: "unix", path }),
      );
      this.addr = addr;
    } else {
      const { hostname, port } = addr as Deno.NetAddr;
      this.#listener = Deno.listen({
        hostname,
        port,
        tcpBacklog: Math.min(backlog, MAX_BACKLOG),
        // Deno knows this option only with --unstable-net, and ends the program without.
        ...(reuse_port && { reusePort: true }),
      });
      this.addr = this.#listener.addr as A;
    }
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  accept(): Promise<StreamSocket<A>> {
    this.#listener.ref();
    const accepting = this.#listener.accept().then((conn) =>
      new StreamSocket(conn as Deno.Conn<A>)
    );
    this.#accepting = accepting;
    return accepting;
  }

  ref(): void {
    this.#listener.ref();
  }

  unref(): void {
    this.#listener.unref();
  }

  close(): Promise<void> {
    const close = async () => {
      this.#listener[Symbol.dispose]();
      await this.#accepting.catch(() => {});
    };
    return this.#closed ??= this.#path ? this.#path.release(close) : close();
  }
}
