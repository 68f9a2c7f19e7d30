/**
 * The module of a worker that is a thread.
 *
 * @module
 */
import { type MessagePort, parentPort } from "node:worker_threads";
import { become_killable } from "../runtime.ts";
import type { ToWorker } from "./messages.ts";
import { on_message } from "./port.ts";
import { WorkerSide } from "./worker_side.ts";

become_killable();
parentPort!.once("message", (port: MessagePort) => {
  new WorkerSide({
    post: (messages) => port.postMessage(messages),
    on_messages: (receive) => on_message(port, (messages) => receive(messages as ToWorker[])),
  });
});
