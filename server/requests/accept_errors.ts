import { client_fault } from "../../internal/runtime/client_fault.ts";
import { is_instance, names_of, WANT } from "../../internal/runtime/error_names.ts";
import { format_address } from "../address.ts";

/** What a failed accept means for the accept loop. */
export type AcceptErrorClass = "retry" | "pause" | "stop";

/**
 * The classes of accept errors, by code where an error has one and else by name. What is not here
 * pauses: an unknown error must neither end the server nor spin.
 */
const ACCEPT_ERRORS: Record<string, AcceptErrorClass> = {
  // One connection or datagram failed before it was taken; accept(2) says to treat these like EAGAIN.
  ConnectionAborted: "retry",
  ConnectionRefused: "retry", // ICMP: what was sent to a client had no receiver
  ConnectionReset: "retry",
  ECONNABORTED: "retry",
  ECONNREFUSED: "retry",
  ECONNRESET: "retry",
  EHOSTDOWN: "retry",
  EHOSTUNREACH: "retry",
  EINTR: "retry",
  EMSGSIZE: "retry", // a datagram longer than its buffer
  EINVAL: "retry", // macOS: the peer of a Unix socket is gone
  ENETDOWN: "retry",
  ENETUNREACH: "retry",
  ENOTCONN: "retry",
  EPERM: "retry", // a firewall said no
  EPROTO: "retry",
  ETIMEDOUT: "retry",
  NotConnected: "retry",
  ...Object.fromEntries(WANT.map((code) => [code, "pause" as const])),
  // The listener is closed.
  BadResource: "stop",
  EBADF: "stop",
  ENOTSOCK: "stop",
  Interrupted: "stop",
};

/** The class of an accept error. */
export function accept_error_class(error: unknown): AcceptErrorClass {
  if (is_instance(error, DroppedDatagram)) return "retry";
  const { code, name } = names_of(error);
  return ACCEPT_ERRORS[code] ?? ACCEPT_ERRORS[name] ?? "pause";
}

/**
 * A datagram that is not handled. It is an accept error of the class retry, and one that is reported: the
 * client may wonder, and a limit is the program's own.
 */
export class DroppedDatagram extends Deno.errors.InvalidData {
  constructor(sender: Deno.Addr, why: string) {
    super(`A datagram from ${format_address(sender)} was dropped: ${why}`);
    client_fault(this);
  }
}

/** A datagram that would be handled in part only. */
export class PacketTooLong extends DroppedDatagram {
  /** The POSIX name of such an error. */
  readonly code = "EMSGSIZE";

  constructor(sender: Deno.Addr, max_packet_size: number) {
    super(sender, `it is longer than max_packet_size = ${max_packet_size}`);
  }
}
