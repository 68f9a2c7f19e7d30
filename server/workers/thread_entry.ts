/**
 * The module of a worker that is a thread.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { become_killable } from "../runtime.ts";
import { WorkerSide } from "./worker_side.ts";

const port = parentPort!;

become_killable();
new WorkerSide({
  post: (messages) => port.postMessage(messages),
  on_messages: (receive) => port.on("message", receive),
});
