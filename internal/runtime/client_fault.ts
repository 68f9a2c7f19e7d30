import { links_of, says_gone } from "./error_names.ts";

/** The errors that the library made because of what a client did. Their class does not tell. */
const faults = new WeakSet<object>();

/** Takes note that an error is a client's own fault, and no fault of the handler that it is thrown in. */
export function client_fault<E extends Error>(error: E): E {
  faults.add(error);
  return error;
}

/** Whether the error itself was noted as a client's fault. */
export function is_noted_fault(error: unknown): boolean {
  return faults.has(error as object);
}

/** The client's fault that an error is or comes of, if it is chained to nothing else but that. */
export function client_fault_of(error: unknown): Error | undefined {
  const links = links_of(error);
  if (!links.every((link) => is_noted_fault(link) || says_gone(link))) return undefined;
  return links.find(is_noted_fault) as Error | undefined;
}
