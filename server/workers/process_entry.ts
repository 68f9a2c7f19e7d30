/**
 * The module of a worker that is a child process.
 *
 * @module
 */
import process from "node:process";
import { WorkerSide } from "./worker_side.ts";

// Ctrl-C on a terminal reaches the children, too. The server decides when they end.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
// The server's process has ended.
process.on("disconnect", () => process.exit());

new WorkerSide({
  post: (messages) => void process.send!(messages),
  on_messages: (receive) => process.on("message", receive),
});
