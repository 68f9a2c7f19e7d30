import { setImmediate } from "node:timers";

/** How long, in ms, a turn of the event loop may take before other connections have theirs. */
const LONG = 20;

/** When the turn began, as far as anybody has asked in it. */
let began: number | undefined;

/** Whether this turn of the event loop has been going on for long. */
export function turn_is_long(): boolean {
  if (began !== undefined) return performance.now() - began > LONG;
  began = performance.now();
  setImmediate(end_turn);
  return false;
}

function end_turn(): void {
  began = undefined;
}

/**
 * Lets the other connections of this thread have their turn. It takes a timer: Deno asks the system
 * what has come only when a thread has nothing left to do, or after 61 turns.
 */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
