import { CERTIFICATE } from "./certificate.ts";
import type { Runtime, RuntimeName } from "./runtimes.ts";

/** The handlers that server programs have. */
export type HandlerName =
  | "echo"
  | "lines"
  | "fanout"
  | "compute"
  | "mixed"
  | "bulk_out"
  | "bulk_in"
  | "packet"
  | "sendto"
  | "busy_packet";

/** A server that is measured: a program of servers/, and what it is told. */
export interface Peer {
  /** Its name in the table. */
  name: string;
  runtime: RuntimeName;
  script: string;
  /** Its arguments before the handler and the port. */
  args: string[];
  /** What its runtime is told besides. */
  flags?: string[];
  /** Which of the ratios of a workload are to it. */
  reference?: Reference;
}

/** What ratios are to: the loop without a library, what this library is modelled on, and Go. */
export type Reference = "bare" | "cpython" | "go";

/** What Deno has its own datagrams with. */
const DATAGRAM_FLAGS = ["--unstable-net"];

/** The loop over connections. */
export const BARE: Peer = {
  name: "bare loop",
  runtime: "deno",
  script: "bare.ts",
  args: [],
  reference: "bare",
};

/** The same, which keeps what it reads, as `recv` gives it. */
export const BARE_KEEPING: Peer = {
  name: "bare loop that keeps each read",
  runtime: "deno",
  script: "bare.ts",
  args: ["--keep"],
};

/** The loop over datagrams. */
export const UDP_BARE: Peer = { ...BARE, script: "bare_udp.ts", flags: DATAGRAM_FLAGS };

/** Python's server of a thread for each connection. */
export const CPYTHON: Peer = {
  name: "CPython ThreadingTCPServer",
  runtime: "python3",
  script: "cpython.py",
  args: ["threading"],
  reference: "cpython",
};

/** Python's server of a process for each connection. */
export const CPYTHON_FORKING: Peer = {
  name: "CPython ForkingTCPServer",
  runtime: "python3",
  script: "cpython.py",
  args: ["forking"],
};

/** Python's server of one datagram after the other. */
export const UDP_CPYTHON: Peer = { ...CPYTHON, name: "CPython UDPServer", args: ["udp"] };

/** Python's server of a thread for each datagram. */
export const UDP_CPYTHON_THREADING: Peer = {
  ...CPYTHON,
  name: "CPython ThreadingUDPServer",
  args: ["threading_udp"],
};

/** `AsyncTCPServer`. */
export const ASYNC: Peer = {
  name: "AsyncTCPServer",
  runtime: "deno",
  script: "ours.ts",
  args: ["AsyncTCPServer"],
};

/** The same, with handlers whose writes of one turn of the event loop go together. */
export const ASYNC_COLLECTING: Peer = {
  ...ASYNC,
  name: "AsyncTCPServer, wbufsize = -1",
  args: [...ASYNC.args, "--collect"],
};

/** `ThreadingTCPServer` as it comes, with a worker for each core. */
export const THREADING: Peer = {
  name: "ThreadingTCPServer",
  runtime: "deno",
  script: "ours.ts",
  args: ["ThreadingTCPServer"],
};

/** `ThreadingTCPServer` with handlers that answer lines that came at once with one write. */
export const THREADING_COLLECTING: Peer = {
  ...THREADING,
  name: "ThreadingTCPServer, wbufsize = -1",
  args: [...THREADING.args, "--collect"],
};

/** `ThreadingTCPServer` with a given number of workers. */
export function threading_with(workers: number): Peer {
  const name = `${THREADING.name}, ${workers} worker${workers === 1 ? "" : "s"}`;
  return { ...THREADING, name, args: [...THREADING.args, `--workers=${workers}`] };
}

/** `ThreadingTCPServer` whose workers each handle one connection at a time. */
export const THREADING_ALONE: Peer = {
  ...THREADING,
  name: "ThreadingTCPServer, 1 request each",
  args: [...THREADING.args, "--requests=1"],
};

/** `UDPServer` over `Deno.listenDatagram`. */
export const UDP: Peer = {
  name: "UDPServer",
  runtime: "deno",
  script: "ours.ts",
  args: ["UDPServer"],
  flags: DATAGRAM_FLAGS,
};

/** `UDPServer` over `node:dgram`, which it takes without the flag. */
export const UDP_FLAGLESS: Peer = { ...UDP, name: "UDPServer without the flag", flags: [] };

/** `AsyncUDPServer` over `Deno.listenDatagram`. */
export const UDP_ASYNC: Peer = { ...UDP, name: "AsyncUDPServer", args: ["AsyncUDPServer"] };

/** `ThreadingUDPServer` over `Deno.listenDatagram`, with a worker for each core. */
export const UDP_THREADING: Peer = {
  ...UDP,
  name: "ThreadingUDPServer",
  args: ["ThreadingUDPServer"],
};

/** A server of `NativeMixIn`. */
function native_udp(Base: string, ...args: string[]): Peer {
  return {
    ...UDP,
    name: `native ${Base}`,
    args: [Base, "--native", ...args],
    flags: ["--allow-ffi"],
  };
}

/** `UDPServer` and `AsyncUDPServer` over the C library. */
export const UDP_NATIVE: Peer[] = [native_udp("UDPServer"), native_udp("AsyncUDPServer")];

/** `ThreadingUDPServer` over the C library, with two workers, which send by themselves. */
export const UDP_NATIVE_THREADING: Peer = native_udp("ThreadingUDPServer", "--workers=2");

/** Many datagrams with each call, in C. */
export const UDP_C: Peer = {
  name: "C with recvmmsg",
  runtime: "cc",
  script: "recvmmsg_udp",
  args: [],
};

/** The same in two threads, each of which receives by itself. */
export const UDP_C_THREADS: Peer = { ...UDP_C, name: "C with recvmmsg, 2 threads", args: ["2"] };

/** A goroutine for each connection. */
export const GO: Peer = {
  name: "Go",
  runtime: "go",
  script: "go_server",
  args: ["tcp"],
  reference: "go",
};

/** `node:net`, of Deno and of Node. */
export const NODE_NET: Peer[] = [
  { name: "node:net on Deno", runtime: "deno", script: "node_net.ts", args: [] },
  { name: "node:net on Node", runtime: "node", script: "node_net.mjs", args: [] },
];

/** `node:tls`, of Deno and of Node: for {@linkcode with_tls}. */
export const NODE_TLS: Peer[] = NODE_NET.map((peer) => ({
  ...peer,
  name: peer.name.replace("net", "tls"),
}));

/** Servers without a `socketserver`, for comparison. */
export const OTHERS: Peer[] = [
  ...NODE_NET,
  GO,
  { name: "CPython asyncio", runtime: "python3", script: "cpython.py", args: ["asyncio"] },
];

/** The same for datagrams. */
export const UDP_OTHERS: Peer[] = [
  { name: "node:dgram on Deno", runtime: "deno", script: "node_dgram.ts", args: [] },
  { name: "node:dgram on Node", runtime: "node", script: "node_dgram.mjs", args: [] },
  { ...GO, args: ["udp"] },
];

/** The same with TLS. */
export function with_tls(peer: Peer): Peer {
  return { ...peer, args: ["--tls", CERTIFICATE, ...peer.args] };
}

/** The command that starts a server; it chooses its port. */
export function command_of(peer: Peer, runtime: Runtime, handler: HandlerName): string[] {
  const { flags = [], script, args } = peer;
  return [...runtime.command, ...flags, `${runtime.directory}/${script}`, ...args, handler, "0"];
}
