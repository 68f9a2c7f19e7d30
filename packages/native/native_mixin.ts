import type {
  Constructor,
  DatagramListener,
  DatagramListenOptions,
  UDPServer,
} from "@socketserver/socketserver";
import { NativeDatagramListener } from "./native_datagram_listener.ts";

/** A class of UDP servers: `UDPServer`, and what the mix-ins make of it. */
export type UDPServerClass = Constructor<UDPServer> & Pick<typeof UDPServer, "make_listener">;

/** What {@linkcode NativeMixIn} adds to a class. */
export interface NativeStatics {
  /**
   * How many bytes of datagrams the system is asked to keep until they are received (`SO_RCVBUF`), for servers of
   * this class; `null` leaves that to the system. It counts more for a datagram than it has, up to 2,304 bytes for
   * a short one, and gives no more than `net.core.rmem_max`, unless the program has the capability
   * `CAP_NET_ADMIN`.
   *
   * @default {null}
   */
  receive_buffer: number | null;
}

/**
 * Has a UDP server receive and send many datagrams with each call of the system, in place of two operations of
 * Deno's for each. All else is as `UDPServer` does it; besides, it has `allow_reuse_port` and `inherit`.
 *
 * With `ThreadingMixIn` the workers send by themselves, on the same socket.
 *
 * Needs Linux on x86-64 or arm64, `--allow-ffi`, and `--allow-net` as `UDPServer` does.
 *
 * @example Echo
 * ```ts ignore
 * import { DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
 * import { NativeMixIn } from "@socketserver/native";
 *
 * class FastUDPServer extends NativeMixIn(UDPServer) {
 *   static override receive_buffer = 4_194_304;
 * }
 *
 * class EchoHandler extends DatagramRequestHandler {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(this.packet);
 *   }
 * }
 *
 * await using server = new FastUDPServer(["127.0.0.1", 9000], EchoHandler);
 * await server.serve_forever();
 * ```
 *
 * @param Base The server class.
 * @returns A subclass that is native.
 * @typeParam T The type of the server class.
 */
export function NativeMixIn<T extends UDPServerClass>(Base: T): T & NativeStatics {
  class Native extends Base {
    static allow_reuse_port = false;
    static inherit: boolean | number | string = false;
    static receive_buffer: number | null = null;

    static override make_listener<A extends Deno.Addr>(
      options: DatagramListenOptions<A>,
    ): DatagramListener<A> {
      if (options.addr.transport !== "udp") {
        throw new Deno.errors.NotSupported(
          "Cannot use NativeMixIn with a Unix server: only with UDP",
        );
      }
      const { receive_buffer } = this;
      check_buffer(receive_buffer);
      const udp = { ...options, receive_buffer } as unknown as DatagramListenOptions<Deno.NetAddr>;
      return new NativeDatagramListener(udp) as unknown as DatagramListener<A>;
    }
  }
  return Native;
}

/** The largest number of C's. */
const MAX_INT = 2 ** 31 - 1;

/** @throws {RangeError} If the system cannot be asked for so much. */
function check_buffer(bytes: number | null): void {
  if (bytes === null || (Number.isInteger(bytes) && bytes > 0 && bytes <= MAX_INT)) return;
  const given = Deno.inspect(bytes);
  throw new RangeError(
    `Cannot use receive_buffer = ${given}: it must be a whole number from 1 to ${MAX_INT}, or null`,
  );
}
