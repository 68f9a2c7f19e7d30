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

const MISTREATED = { is_mistreated: true, options: { request_timeout: TIMEOUT } } as const;
const CALM = { options: {} };

/** The servers of one way, by what stands before their names. */
function ways_of(prefix: string, options: ServerOptions, has_places: boolean): Member[] {
  const name = (rest: string) => `${prefix || "plain "}${rest}`;
  const member = (rest: string, server: string, more: Partial<Member> & Pick<Member, "options">) =>
    ({
      name: name(rest),
      server: `${prefix}${server}`,
      transport: TRANSPORTS[server],
      ...more,
      options: { ...options, linger: LINGER, ...more.options },
    }) as Member;
  const streams = [
    member("TCP", "TCPServer", MISTREATED),
    member("Unix", "UnixStreamServer", { ...CALM, collects: true }),
  ];
  const datagrams = [
    member("UDP", "UDPServer", CALM),
    member("Unix datagrams", "UnixDatagramServer", CALM),
  ];
  if (!has_places) return [...streams, ...datagrams];
  return [
    ...streams,
    ...datagrams,
    member("TLS", "TCPServer", { is_secured: true, options: { handshake_timeout: UNHURRIED } }),
    member("PROXY", "TCPServer", {
      is_proxied: true,
      options: {
        proxy_protocol: "required",
        trusted_proxies: ["127.0.0.1"],
        proxy_timeout: UNHURRIED,
      },
    }),
  ];
}

const TRANSPORTS: Record<string, Member["transport"]> = {
  TCPServer: "tcp",
  UDPServer: "udp",
  UnixStreamServer: "unix",
  UnixDatagramServer: "unixpacket",
};

/** In a program whose clock is stepped, no clock of the server may notice: nothing takes so long. */
const FAKED: ServerOptions = { request_timeout: 60_000, max_workers: 1 };

export const TROUPES: readonly Troupe[] = [
  {
    name: "loop",
    pool: "AsyncExecutor",
    members: [...ways_of("", {}, false), ...ways_of("Async", {}, true)],
  },
  {
    name: "threads",
    pool: "ThreadPoolExecutor",
    members: [
      ...ways_of("Threading", { max_workers: 2 }, true),
      {
        name: "Threading TCP, relayed",
        server: "ThreadingTCPServer",
        transport: "tcp",
        options: { allow_reuse_port: true, max_workers: 1, linger: LINGER },
      },
    ],
  },
  {
    name: "children",
    pool: "ProcessPoolExecutor",
    members: ways_of("Forking", { max_children: 2 }, true),
  },
  {
    name: "faked",
    pool: "ThreadPoolExecutor",
    members: [
      ...ways_of("Async", {}, true),
      ...ways_of("Threading", { max_workers: 1 }, false),
    ].map((member) => ({
      name: `${member.name}, stepped`,
      server: member.server,
      transport: member.transport,
      ...(member.is_secured && { is_secured: true }),
      ...(member.is_proxied && { is_proxied: true }),
      options: { ...member.options, ...FAKED },
    })),
  },
];
