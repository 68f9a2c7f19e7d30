/**
 * What no pool on Deno can be faster than: `bare.ts KIND - SINGLE` sends numbers to a thread, or to a child process,
 * and waits for each to come back, as ours.ts.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { isMainThread, MessageChannel, parentPort, Worker } from "node:worker_threads";

/** Sends a number, and resolves when it has come back. */
type Send = (value: number) => Promise<void>;

const [kind, , single = "0"] = Deno.args;

function to_thread(): Send {
  const worker = new Worker(new URL(import.meta.url));
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  const port = port1 as unknown as MessagePort;
  return (value) =>
    new Promise((resolve) => {
      port.onmessage = () => resolve();
      port.postMessage(value);
    });
}

function to_child(): Send {
  const child: ChildProcess = fork(new URL(import.meta.url), [], { serialization: "advanced" });
  return (value) =>
    new Promise((resolve) => {
      child.once("message", () => resolve());
      child.send(value);
    });
}

/** Sends numbers back. */
function echo(): void {
  parentPort?.once("message", (port: MessagePort) => {
    port.onmessage = ({ data }) => port.postMessage(data);
  });
  if (isMainThread) process.on("message", (value) => process.send!(value));
}

if (kind === undefined || !isMainThread) {
  echo();
} else {
  const send = kind === "processes" ? to_child() : to_thread();
  for (let value = 0; value < Number(single); value++) await send(value);
  const start = performance.now();
  for (let value = 0; value < Number(single); value++) await send(value);
  const rate = Number(single) / (performance.now() - start) * 1000;
  console.log(JSON.stringify({ "one at a time": rate }));
  Deno.exit();
}
