import { StreamSocket } from "../sockets/stream_socket.ts";
import type { Listener, TcpListenOptions } from "./listener.ts";

/** A TCP listener over `Deno.listen`: its connections are served in this thread. */
export class DenoListener implements Listener<StreamSocket<Deno.NetAddr>, Deno.NetAddr> {
  readonly addr: Deno.NetAddr;
  #listener: Deno.TcpListener;
  /** The accept under way: the address is free only when it has settled. */
  #accepting: Promise<unknown> = Promise.resolve();

  /** Binds and listens at once; throws what `Deno.listen` throws. */
  constructor({ hostname, port, backlog, reuse_port }: TcpListenOptions) {
    this.#listener = Deno.listen({
      hostname,
      port,
      tcpBacklog: backlog,
      // Deno knows this option only with --unstable-net, and ends the program without.
      ...(reuse_port && { reusePort: true }),
    });
    this.addr = this.#listener.addr;
  }

  accept(): Promise<StreamSocket<Deno.NetAddr>> {
    const accepting = this.#listener.accept().then((conn) => new StreamSocket(conn));
    this.#accepting = accepting;
    return accepting;
  }

  async close(): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#accepting.catch(() => {});
  }
}
