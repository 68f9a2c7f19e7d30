import { type Handle, handle_of, resolve } from "../../../internal/shared/travel.ts";
import { AuthenticationError } from "../../../internal/shared/errors.ts";
import type { Bounds, Connection } from "./connection.ts";
import { ObjectProxy } from "./object_proxy.ts";

/** Of what both sides tell each other from then on. */
const VERSION = 1;

/** What a server says first when it knows its client. */
export interface Greeting {
  version: number;
  /** How long each side may say nothing, in ms. */
  peer_timeout: number;
  /** What stands for what clients call. */
  root: Handle;
}

/** The greeting for a client, in bytes. */
export function greeting_of(
  { link }: Connection,
  root: ObjectProxy,
  { peer_timeout }: Bounds,
): Uint8Array {
  const greeting: Greeting = { version: VERSION, peer_timeout, root: handle_of(root, link) };
  return new TextEncoder().encode(JSON.stringify(greeting));
}

/**
 * The greeting that came.
 *
 * @throws {AuthenticationError} If the other side speaks something else.
 */
export function greeting_in(frame: Uint8Array | null): Greeting {
  try {
    const greeting = JSON.parse(new TextDecoder().decode(frame ?? undefined)) as Greeting;
    const { version, peer_timeout, root } = greeting;
    if (version === VERSION && peer_timeout > 0 && "mine" in root) return greeting;
  } catch {
    // It is said below.
  }
  throw new AuthenticationError("The other side does not speak as a manager of this library does");
}

/** What a client calls. */
export async function root_of({ root }: Greeting, { link }: Connection): Promise<ObjectProxy> {
  const proxy = await resolve(root, link);
  if (proxy instanceof ObjectProxy) return proxy;
  throw new AuthenticationError("The other side does not give what a manager gives");
}
