import type { Runtime, RuntimeName } from "./runtimes.ts";

/** The handlers that server programs have. */
export type HandlerName = "echo" | "lines" | "compute";

/** A server that is measured: a program of servers/, and what it is told. */
export interface Peer {
  /** Its name in the table. */
  name: string;
  runtime: RuntimeName;
  script: string;
  /** Its arguments before the handler and the port. */
  args: string[];
}

/** The loop without a library: what the first ratio is to. */
export const BARE: Peer = { name: "bare loop", runtime: "deno", script: "bare.ts", args: [] };

/** What this library is modelled on: what the second ratio is to. */
export const CPYTHON: Peer = {
  name: "CPython ThreadingTCPServer",
  runtime: "python3",
  script: "cpython.py",
  args: ["threading"],
};

/** `AsyncTCPServer`. */
export const ASYNC: Peer = {
  name: "AsyncTCPServer",
  runtime: "deno",
  script: "ours.ts",
  args: ["AsyncTCPServer"],
};

/** `ThreadingTCPServer` as it comes, with a worker for each core. */
export const THREADING: Peer = {
  name: "ThreadingTCPServer",
  runtime: "deno",
  script: "ours.ts",
  args: ["ThreadingTCPServer"],
};

/** `ThreadingTCPServer` with a given number of workers. */
export function threading_with(workers: number): Peer {
  const name = `${THREADING.name}, ${workers} worker${workers === 1 ? "" : "s"}`;
  return { ...THREADING, name, args: [...THREADING.args, `--workers=${workers}`] };
}

/** Servers without a `socketserver`, for comparison. */
export const OTHERS: Peer[] = [
  { name: "node:net on Deno", runtime: "deno", script: "node_net.ts", args: [] },
  { name: "node:net on Node", runtime: "node", script: "node_net.mjs", args: [] },
  { ...CPYTHON, name: "CPython asyncio", args: ["asyncio"] },
];

/** The command that starts a server; it chooses its port. */
export function command_of(peer: Peer, runtime: Runtime, handler: HandlerName): string[] {
  return [...runtime.command, `${runtime.directory}/${peer.script}`, ...peer.args, handler, "0"];
}
