import type { MessagePort } from "node:worker_threads";

/**
 * Calls a function with each message that comes through a port. Not by `on("message")`, for which Deno
 * looks through the message byte by byte.
 */
export function on_message(port: MessagePort, receive: (message: unknown) => void): void {
  (port as unknown as globalThis.MessagePort).onmessage = ({ data }) => receive(data);
}
