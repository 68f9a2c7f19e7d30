/**
 * In a thread that is told to end: from then on nothing of it must begin or go on. Deno halts what runs
 * at the moment of the order and nothing that starts after it, so a handler that was woken a moment
 * later and then loops would never be halted.
 */
let order: Int32Array | undefined;

/** Says where the order is given: memory that is shared with who gives it. */
export function heed_order(memory: SharedArrayBuffer): void {
  order = new Int32Array(memory);
}

/** Whether this thread was told to end. */
export function must_end(): boolean {
  return order !== undefined && Atomics.load(order, 0) !== 0;
}

/** Gives the order to a thread that heeds this memory. */
export function give_order(memory: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(memory), 0, 1);
}
