/**
 * The module of a worker that is a thread.
 *
 * @module
 */
import { getHeapStatistics } from "node:v8";
import { parentPort } from "node:worker_threads";
import { become_killable } from "../runtime/deno_internals.ts";
import { heed_order } from "../runtime/order_to_end.ts";
import { prepare_for_thread } from "./cloning.ts";
import type { ToWorker } from "./messages.ts";
import { on_message, type ThreadStart } from "./port.ts";
import { WorkerSide } from "./worker_side.ts";

/** How often, in ms, it is looked whether memory has run out. */
const LOOK = 500;

become_killable();

// Where memory runs out in a promise's reaction, Deno halts that one for ever, moves the limit, and ends
// the worker only if something else does.
const { heap_size_limit } = getHeapStatistics();
setInterval(() => {
  if (getHeapStatistics().heap_size_limit > heap_size_limit) throw new RangeError("Out of memory");
}, LOOK).unref();

parentPort!.once("message", ({ port, order }: ThreadStart) => {
  heed_order(order);
  new WorkerSide({
    shares_memory: true,
    post: (messages) => {
      messages.forEach(prepare_for_thread);
      port.postMessage(messages);
    },
    on_messages: (receive, unread) =>
      on_message(port, (messages) => receive(messages as ToWorker[]), unread),
  });
});
