import type { FigureName } from "./figures.ts";
import type { Load } from "./load_generator.ts";
import {
  ASYNC,
  ASYNC_COLLECTING,
  BARE,
  BARE_KEEPING,
  CPYTHON,
  CPYTHON_FORKING,
  GO,
  type HandlerName,
  NODE_NET,
  NODE_TLS,
  OTHERS,
  type Peer,
  THREADING,
  THREADING_ALONE,
  THREADING_COLLECTING,
  threading_with,
  UDP,
  UDP_ASYNC,
  UDP_BARE,
  UDP_C,
  UDP_C_THREADS,
  UDP_CPYTHON,
  UDP_CPYTHON_THREADING,
  UDP_FLAGLESS,
  UDP_NATIVE,
  UDP_NATIVE_THREADING,
  UDP_OTHERS,
  UDP_THREADING,
  with_tls,
} from "./peers.ts";

/** One thing that servers are compared in. */
export interface Workload {
  /** Its name in the table. */
  name: string;
  /** The handler that the servers run. */
  handler: HandlerName;
  /** What the load generator does; without it, servers only start and give one reply. */
  load?: Load;
  /** How often each server is measured in a round. */
  turns: number;
  figures: FigureName[];
  peers: Peer[];
}

const ALL = [BARE, ASYNC, THREADING, ...OTHERS, CPYTHON];
const ECHO = [BARE, ASYNC, threading_with(1), THREADING, ...OTHERS, CPYTHON];
const BULK = [ASYNC, THREADING, ...NODE_NET, GO, CPYTHON];
/** How long bulk and bursts may take, in seconds. */
const PATIENCE = 30;
const UDP_OURS = [UDP, UDP_FLAGLESS, UDP_ASYNC];
const UDP_WORKERS = [UDP_BARE, UDP_THREADING, UDP_NATIVE_THREADING, UDP_CPYTHON_THREADING];
const TLS = [BARE, ASYNC, threading_with(1), THREADING, ...NODE_TLS, GO, CPYTHON].map(with_tls);
const UDP_LOAD: Load = { mode: "udp", connections: 32, size: 64 };

/** The rows of the table are made of these. A server is in a workload if it can take part in it. */
export const WORKLOADS: Workload[] = [
  {
    name: "echo, 64 connections x 64 bytes",
    handler: "echo",
    load: { mode: "echo", connections: 64, size: 64 },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: ECHO,
  },
  {
    name: "echo, 1 connection",
    handler: "echo",
    load: { mode: "echo", connections: 1, size: 64 },
    turns: 1,
    figures: ["p50_us", "p99_us", "per_second", "cpu_us"],
    peers: ECHO,
  },
  {
    name: "lines, 64 connections",
    handler: "lines",
    load: { mode: "lines", connections: 64, size: 64 },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: ALL,
  },
  {
    name: "lines, pipelined by 16",
    handler: "lines",
    load: { mode: "lines", connections: 64, size: 64, pipeline: 16 },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: [BARE, ASYNC, THREADING, THREADING_COLLECTING, ...OTHERS, CPYTHON],
  },
  {
    name: "a connection per request, 32 clients",
    handler: "lines",
    load: { mode: "request", connections: 32, size: 64 },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: ALL,
  },
  {
    name: "burst of 10,000 connects",
    handler: "lines",
    load: { mode: "burst", requests: 10_000, seconds: PATIENCE },
    turns: 1,
    figures: ["all_answered_ms", "cpu_us"],
    peers: ALL,
  },
  {
    name: "memory per idle connection, at 5,000",
    handler: "lines",
    load: { mode: "idle", connections: 5000 },
    turns: 1,
    figures: ["kib_per_connection"],
    peers: ALL,
  },
  {
    name: "fan-out, 100 lines to each of 30 clients",
    handler: "fanout",
    load: { mode: "fanout", connections: 30, size: 64 },
    turns: 1,
    figures: ["per_second"],
    peers: [BARE, ASYNC, ASYNC_COLLECTING, CPYTHON],
  },
  {
    name: "bulk, 1 GiB out",
    handler: "bulk_out",
    load: { mode: "drain", seconds: PATIENCE },
    turns: 1,
    figures: ["mib_per_second", "cpu_us"],
    peers: [BARE, ...BULK],
  },
  {
    name: "bulk, 1 GiB in",
    handler: "bulk_in",
    load: { mode: "fill", seconds: PATIENCE },
    turns: 1,
    figures: ["mib_per_second", "cpu_us"],
    peers: [BARE, BARE_KEEPING, ...BULK],
  },
  {
    name: "compute, 8 clients",
    handler: "compute",
    load: { mode: "compute", connections: 8 },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: [BARE, threading_with(1), threading_with(2), GO, CPYTHON, CPYTHON_FORKING],
  },
  {
    name: "requests of 8 clients beside a heavy one",
    handler: "mixed",
    load: { mode: "mixed", connections: 9 },
    turns: 1,
    figures: ["p50_us", "p99_us"],
    peers: [BARE, ASYNC, threading_with(2), THREADING_ALONE, GO, CPYTHON, CPYTHON_FORKING],
  },
  {
    name: "TLS echo, 64 connections x 64 bytes",
    handler: "echo",
    load: { mode: "echo", connections: 64, size: 64, tls: true },
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: TLS,
  },
  {
    name: "TLS, a full handshake per request, 32 clients",
    handler: "lines",
    load: { mode: "request", connections: 32, size: 64, tls: true },
    turns: 1,
    figures: ["per_second", "p50_us", "cpu_us"],
    peers: TLS,
  },
  {
    name: "UDP echo, 32 clients x 64 bytes",
    handler: "packet",
    load: UDP_LOAD,
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: [UDP_BARE, ...UDP_OURS, ...UDP_NATIVE, UDP_C, ...UDP_OTHERS, UDP_CPYTHON],
  },
  {
    name: "UDP sendto, 32 clients x 64 bytes",
    handler: "sendto",
    load: UDP_LOAD,
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: [UDP_BARE, ...UDP_OURS, ...UDP_NATIVE, UDP_CPYTHON],
  },
  {
    name: "UDP echo through workers, 32 x 64 bytes",
    handler: "packet",
    load: UDP_LOAD,
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: UDP_WORKERS,
  },
  {
    name: "UDP sendto through workers, 32 x 64 bytes",
    handler: "sendto",
    load: UDP_LOAD,
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: UDP_WORKERS,
  },
  {
    name: "UDP computing for 50 us, 32 x 64 bytes",
    handler: "busy_packet",
    load: UDP_LOAD,
    turns: 1,
    figures: ["per_second", "cpu_us"],
    peers: [UDP, UDP_THREADING, ...UDP_NATIVE, UDP_NATIVE_THREADING, UDP_C, UDP_C_THREADS],
  },
  {
    name: "start to first reply",
    handler: "lines",
    turns: 5, // each is over soon
    figures: ["start_ms"],
    peers: [BARE, ASYNC, THREADING, GO, CPYTHON],
  },
];
