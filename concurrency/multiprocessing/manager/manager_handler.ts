import { client_fault } from "../../../internal/runtime/client_fault.ts";
import { format_address } from "../../../server/address.ts";
import { StreamRequestHandler } from "../../../handlers/stream_request_handler.ts";
import type { StreamSocket } from "../../../server/sockets/stream_socket.ts";
import { authenticate_client, type AuthKey, MAX_UNKNOWN } from "./authentication.ts";
import { type Bounds, Connection } from "./connection.ts";
import { FrameStream } from "./frame_stream.ts";
import type { ObjectProxy } from "./object_proxy.ts";
import { greeting_of } from "./greeting.ts";
import { within } from "./within.ts";

/** How long a client may take to show that it knows the key, in ms. */
export const HANDSHAKE_TIMEOUT = 5000;

/** What a manager's server gives its clients, and how. */
export interface Service {
  /** What clients call. */
  root: ObjectProxy;
  key: AuthKey;
  bounds: Bounds;
}

/** The handlers of a manager's server. */
export function handler_of(service: Service): typeof ManagerHandler {
  return class extends ManagerHandler {
    override service = service;
  };
}

/** Serves one client of a manager. */
export class ManagerHandler extends StreamRequestHandler<unknown, Deno.NetAddr | Deno.UnixAddr> {
  service!: Service;

  override async handle(): Promise<void> {
    const { root, key, bounds } = this.service;
    const frames = new FrameStream(this.connection as StreamSocket, MAX_UNKNOWN);
    await within(HANDSHAKE_TIMEOUT, authenticate_client(frames, key), () => {
      this.connection.close();
      const message = `The client did not say who it is within ${HANDSHAKE_TIMEOUT} ms`;
      return client_fault(new Deno.errors.TimedOut(message));
    });
    const name = `the client ${format_address(this.client_address)}`;
    const connection = new Connection(frames, name, bounds);
    frames.send_bytes(greeting_of(connection, root, bounds));
    await connection.run(true);
  }
}
