/** The programs of the fire, and the servers in each. */
import type { ServerOptions } from "../../mod.ts";

/** How a server of the fire is made, and what may be done to it. */
export interface Member {
  /** How it is called in reports. */
  readonly name: string;
  /** The name of its class in `named_servers.ts`. */
  readonly server: string;
  readonly transport: "tcp" | "udp" | "unix" | "unixpacket";
  readonly is_secured?: true;
  readonly is_proxied?: true;
  /** Whether its handlers collect what they write. */
  readonly collects?: true;
  /** Whether clients may have its handlers loop, stall, and end their worker. */
  readonly is_mistreated?: true;
  readonly options: ServerOptions;
}

/** A program, and what it is there for. */
export interface Troupe {
  readonly name: "loop" | "threads" | "children" | "faked";
  readonly pool: "AsyncExecutor" | "ThreadPoolExecutor" | "ProcessPoolExecutor";
  readonly members: readonly Member[];
}

/** How long a connection of the fire lingers, in ms. */
export const LINGER = 200;
/** How long a request of a server may take whose handlers are mistreated, in ms. */
const TIMEOUT = 2500;

/** How long a client may take to begin, in ms: one on a busy machine is no rude one. */
const UNHURRIED = 20_000;

/** The kinds of servers, by what they are called in reports. */
const KINDS: Record<string, Omit<Member, "name">> = {
  "TCP": {
    server: "TCPServer",
    transport: "tcp",
    is_mistreated: true,
    options: { request_timeout: TIMEOUT },
  },
  "Unix": { server: "UnixStreamServer", transport: "unix", collects: true, options: {} },
  "UDP": { server: "UDPServer", transport: "udp", options: {} },
  "Unix datagrams": { server: "UnixDatagramServer", transport: "unixpacket", options: {} },
  "TLS": {
    server: "TCPServer",
    transport: "tcp",
    is_secured: true,
    options: { handshake_timeout: UNHURRIED },
  },
  "PROXY": {
    server: "TCPServer",
    transport: "tcp",
    is_proxied: true,
    options: {
      proxy_protocol: "required",
      trusted_proxies: ["127.0.0.1"],
      proxy_timeout: UNHURRIED,
    },
  },
  "TCP, relayed": { server: "TCPServer", transport: "tcp", options: { allow_reuse_port: true } },
  // No clock of the server may notice that the clock of the machine is stepped: nothing takes so long.
  "TCP, stepped": { server: "TCPServer", transport: "tcp", options: { request_timeout: 60_000 } },
};

/** Servers of these kinds, in the way that a prefix of their class's name says. */
function servers(
  prefix: "" | "Async" | "Threading" | "Forking",
  kinds: readonly string[],
  options: ServerOptions = {},
): Member[] {
  return kinds.map((name) => {
    const kind = KINDS[name]!;
    return {
      ...kind,
      name: `${prefix} ${name}`.trim(),
      server: `${prefix}${kind.server}`,
      options: { linger: LINGER, ...kind.options, ...options },
    };
  });
}

const IN_ORDER = ["TCP", "Unix", "UDP", "Unix datagrams"];
const AT_ONCE = ["UDP", "Unix datagrams", "PROXY"];
/** The kinds that have two workers, so that one works while another one is killed. */
const SHARED = ["TCP", "Unix", "TLS"];

export const TROUPES: readonly Troupe[] = [
  {
    name: "loop",
    pool: "AsyncExecutor",
    members: [...servers("", IN_ORDER), ...servers("Async", [...SHARED, ...AT_ONCE])],
  },
  {
    name: "threads",
    pool: "ThreadPoolExecutor",
    members: [
      ...servers("Threading", SHARED, { max_workers: 2 }),
      ...servers("Threading", [...AT_ONCE, "TCP, relayed"], { max_workers: 1 }),
    ],
  },
  {
    name: "children",
    pool: "ProcessPoolExecutor",
    members: [
      ...servers("Forking", SHARED, { max_children: 2 }),
      ...servers("Forking", AT_ONCE, { max_children: 1 }),
    ],
  },
  {
    name: "faked",
    pool: "ThreadPoolExecutor",
    members: [
      ...servers("Async", ["TCP, stepped", "TLS", "UDP"]),
      ...servers("Threading", ["TCP, stepped"], { max_workers: 1 }),
    ],
  },
];
