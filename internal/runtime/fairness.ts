import { setImmediate } from "node:timers";

/** How long, in ms, a turn of the event loop may take before other connections have theirs. */
const LONG = 20;
/** The clock is looked at each time that it was asked so often: looking costs more than a message may. */
const EVERY = 16;

/** When the turn began, as far as anybody has asked in it; 0 where nobody has. */
let began = 0;
let asked = 0;

/** Whether this turn of the event loop has been going on for long. */
export function turn_is_long(): boolean {
  if (began === 0) {
    began = performance.now();
    setImmediate(end_turn);
    return false;
  }
  asked = (asked + 1) % EVERY;
  return asked === 0 && performance.now() - began > LONG;
}

function end_turn(): void {
  began = 0;
}

/**
 * Lets the other connections of this thread have their turn. It takes a timer: Deno asks the system
 * what has come only when a thread has nothing left to do, or after 61 turns.
 */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
