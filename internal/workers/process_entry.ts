/**
 * The module of a worker that is a child process.
 *
 * @module
 */
import type net from "node:net";
import process from "node:process";
import { prepare_for_process } from "./cloning.ts";
import { ignore_signals } from "./ignored_signals.ts";
import { READ, TAKEN, type ToWorker } from "./messages.ts";
import { WorkerSide } from "./worker_side.ts";

/**
 * Run in a thread of its own: ends this process when the server's has ended, also where a handler that
 * never lets go keeps the event loop from noticing.
 */
const WATCHDOG = `
  const server = Deno.ppid;
  setInterval(() => {
    if (Deno.ppid !== server) Deno.kill(Deno.pid, "SIGKILL");
  }, 1000);
`;

ignore_signals();
// The server's process has ended.
process.on("disconnect", () => process.exit());

new Worker(`data:text/javascript,${encodeURIComponent(WATCHDOG)}`, { type: "module" });
new WorkerSide({
  shares_memory: false,
  post: (messages) => {
    messages.forEach(prepare_for_process);
    process.send!(messages);
  },
  on_messages: (receive, unread) => {
    process.on("message", (messages: ToWorker[] | typeof READ, connection?: net.Socket) => {
      if (messages === READ) return void process.send!(READ);
      if (connection) process.send!(TAKEN);
      receive(messages, connection);
    });
    process.on("error", unread);
  },
});
