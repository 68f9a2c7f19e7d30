import { format_address } from "../address.ts";
import { DroppedDatagram, PacketTooLong } from "../requests/accept_errors.ts";

/** The addresses of sockets that are bound to all interfaces. */
const ALL_INTERFACES = ["0.0.0.0", "::"];

/** How long, in ms, and of how many addresses it is known whether they are this machine's. */
const MAX_AGE = 1000;
const MAX_KNOWN = 1000;

const known = new Map<string, boolean>();
let forgotten_at = 0;

/** An address, as far as it counts here: those of Unix sockets have a path, others the rest. */
interface Place {
  hostname?: string;
  port?: number;
  path?: string;
}

/**
 * What a datagram listener throws in place of a datagram that must not be taken. Senders of datagrams can be
 * forged: the reply to one that says that it comes from the server would be the server's next request, and so
 * on for ever. Servers report such an error, and go on.
 *
 * @param sender Where the datagram says that it comes from.
 * @param length How many bytes it has; if it was cut off, any number above `max`.
 * @param own The address of the listener.
 * @param max How many bytes it may have.
 * @returns The error, or `undefined` where it may be taken.
 */
export function refusal_of(
  sender: Deno.Addr,
  length: number,
  own: Deno.Addr,
  max: number,
): Error | undefined {
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
  return ALL_INTERFACES.includes(own.hostname!) && is_known_own(sender.hostname!);
}

/** The same as {@linkcode is_of_this_machine}, which asks the system, at most once a second for each. */
function is_known_own(hostname: string): boolean {
  const now = performance.now();
  if (now > forgotten_at || known.size >= MAX_KNOWN) {
    known.clear();
    forgotten_at = now + MAX_AGE;
  }
  const is_own = known.get(hostname) ?? is_of_this_machine(hostname);
  known.set(hostname, is_own);
  return is_own;
}

/** Whether it is an address of this machine: only to those the system lets anything be bound. */
function is_of_this_machine(hostname: string): boolean {
  const address = { hostname, port: 0 };
  try {
    // Otherwise Deno would ask for it.
    const wanted = { name: "net", host: format_address(address) } as const;
    if (Deno.permissions.querySync(wanted).state !== "granted") return false;
    Deno.listen(address).close();
    return true;
  } catch {
    return false;
  }
}
