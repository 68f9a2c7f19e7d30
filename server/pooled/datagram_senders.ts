import type { Calls } from "../../internal/workers/calls.ts";
import { load_module } from "../../internal/workers/class_place.ts";
import type { WorkerSender } from "../listeners/listener.ts";
import type { DatagramSender } from "../sockets/datagram_socket.ts";
import { RelayedSender } from "./relayed_sender.ts";

/** Makes the sender of one worker. */
type Make = (settings: unknown) => DatagramSender<Deno.Addr>;

/**
 * What a worker sends datagrams with: what the server's listener says, or a relay to the server's thread.
 *
 * @throws {TypeError} If the listener's module cannot be loaded.
 */
export async function datagram_sender(
  own: WorkerSender | undefined,
  calls: Calls,
): Promise<DatagramSender<Deno.Addr>> {
  if (own) {
    const exports = await load_module(own.module, "the server's socket");
    return (exports[own.name] as Make)(own.settings);
  }
  return new RelayedSender({
    call: (method, args) => calls.call(0, "socket", method, args),
    tell: (method, args) => calls.tell("socket", method, args),
  });
}
