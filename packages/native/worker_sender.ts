import type { DatagramSender, WorkerSender } from "@socketserver/socketserver";
import { Addresses, type Family } from "./addresses.ts";
import { LibcUser } from "./libc_user.ts";
import { Outbox } from "./outbox.ts";

/** What a worker must know of a socket to send through it. */
interface Settings {
  /** Its descriptor, which is the listener's. */
  fd: number;
  family: Family;
  /** Its first item becomes 1 when the listener is closed: the descriptor may be another one then. */
  is_over: Int32Array;
}

/** Says how workers send. */
export function worker_sender(settings: Settings): WorkerSender {
  return { module: import.meta.url, name: make_sender.name, settings };
}

/** Makes what a worker sends with. The library is never closed: it ends with the thread. */
export function make_sender(
  { fd, family, is_over }: Settings,
  libc: LibcUser = new LibcUser(),
): DatagramSender<Deno.NetAddr> {
  const is_open = () => Atomics.load(is_over, 0) === 0;
  return new Outbox(libc, fd, new Addresses(libc, family), is_open);
}
