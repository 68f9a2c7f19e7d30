import { setImmediate } from "node:timers";

/** How long, in ms, a turn of the event loop may take before other connections have theirs: twice this at the most. */
const LONG = 10;
/** The clock is looked at each time that it was asked so often: looking costs more than a message may. */
const EVERY = 16;

let asked = 0;
/** When a turn of the event loop was last known to have begun; a later one may have since. */
let seen = 0;
/** When it was asked whether the turn of then has ended; 0 where it was not. */
let doubted = 0;

/**
 * Whether this turn of the event loop has been going on for long. When a turn ends is asked only where none is known to
 * have begun for a while: to ask costs nearly as much as a message.
 */
export function turn_is_long(): boolean {
  asked = (asked + 1) % EVERY;
  if (asked !== 0) return false;
  const now = performance.now();
  if (doubted !== 0) return now - doubted > LONG;
  if (now - seen <= LONG) return false;
  doubted = now;
  at_end_of_turn(see_turn);
  return false;
}

function see_turn(): void {
  doubted = 0;
  seen = performance.now();
}

let ending: (() => void)[] = [];

/** Has something done when this turn of the event loop ends: each turn has one such end, as each has its price. */
export function at_end_of_turn(call: () => void): void {
  if (ending.push(call) === 1) setImmediate(end_turn);
}

function end_turn(): void {
  const calls = ending;
  ending = [];
  try {
    for (let call; (call = calls.shift());) call();
  } finally {
    // One that throws keeps none of the others.
    for (const call of calls) at_end_of_turn(call);
  }
}

/**
 * Lets the other connections of this thread have their turn. It takes a timer: Deno asks the system
 * what has come only when a thread has nothing left to do, or after 61 turns.
 */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
