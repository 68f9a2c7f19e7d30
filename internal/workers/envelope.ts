/** What the content of an envelope is told from other messages by: nothing carries it by accident. */
export type Mark = string;

/** A mark for the messages to and from one child process. */
export function new_mark(): Mark {
  return crypto.randomUUID();
}

/**
 * A message of the library. Handlers, and what they import, can send by the same channel, as programs
 * under a process manager do: what they send must not be taken for it.
 */
export function seal(mark: Mark, content: unknown): [Mark, unknown] {
  return [mark, content];
}

/** What was sealed with this mark; `undefined` for any other message. */
export function unseal(mark: Mark, message: unknown): unknown {
  return Array.isArray(message) && message[0] === mark ? message[1] : undefined;
}
