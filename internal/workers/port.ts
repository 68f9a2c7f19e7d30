import type { MessagePort } from "node:worker_threads";

/** What a thread is given before all else. */
export interface ThreadStart {
  /** What it and the pool's thread reach each other through. */
  port: MessagePort;
  /** Where it is told to end: see `order_to_end.ts`. */
  order: SharedArrayBuffer;
}

/**
 * Calls a function with each message that comes through a port, and another one where a message cannot be
 * read: from then on Deno delivers nothing. Not by `on("message")`, for which Deno looks through the
 * message byte by byte.
 */
export function on_message(
  port: MessagePort,
  receive: (message: unknown) => void,
  unread: (error: Error) => void,
): void {
  const web_port = port as unknown as globalThis.MessagePort;
  web_port.onmessage = ({ data }) => receive(data);
  web_port.onmessageerror = () => unread(new Error("A message cannot be read"));
}
