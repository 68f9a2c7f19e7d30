import type { MessagePort } from "node:worker_threads";

/** What a thread is given before all else. */
export interface ThreadStart {
  /** What it and the pool's thread reach each other through. */
  port: MessagePort;
  /** Where it is told to end: see `order_to_end.ts`. */
  order: SharedArrayBuffer;
}

/**
 * Calls a function with each message that comes through a port. Not by `on("message")`, for which Deno
 * looks through the message byte by byte.
 */
export function on_message(port: MessagePort, receive: (message: unknown) => void): void {
  (port as unknown as globalThis.MessagePort).onmessage = ({ data }) => receive(data);
}
