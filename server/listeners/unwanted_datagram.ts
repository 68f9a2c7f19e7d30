import { DroppedDatagram, PacketTooLong } from "../requests/accept_errors.ts";

/** The addresses of sockets that are bound to all interfaces. */
const ALL_INTERFACES = ["0.0.0.0", "::"];

/** An address, as far as it counts here: those of Unix sockets have a path, others the rest. */
interface Place {
  hostname?: string;
  port?: number;
  path?: string;
}

/**
 * Why a datagram is not taken, if it is not. Senders of datagrams can be forged: the reply to one that
 * says that it comes from the server would be the server's next request, and so on for ever.
 */
export function refusal_of(
  sender: Deno.Addr,
  length: number,
  own: Deno.Addr,
  max: number,
): DroppedDatagram | undefined {
  if (length > max) return new PacketTooLong(sender, max);
  if ((sender as Place).port === 0) {
    return new DroppedDatagram(sender, "nobody can be answered at port 0");
  }
  if (!is_own(sender, own)) return undefined;
  return new DroppedDatagram(sender, "it says that it comes from the server itself");
}

function is_own(sender: Place, own: Place): boolean {
  if (sender.port !== own.port) return false;
  if (sender.path !== own.path) return false;
  if (sender.hostname === own.hostname) return true;
  return ALL_INTERFACES.includes(own.hostname!) && is_of_this_machine(sender.hostname!);
}

/** Whether it is an address of this machine: only to those the system lets anything be bound. */
function is_of_this_machine(hostname: string): boolean {
  const host = `${hostname}:0`;
  // Otherwise Deno would ask for it.
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") return false;
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
