import { check_names } from "../internal/runtime/check_names.ts";
import { is_address_list, is_group_list } from "./address_list.ts";
import type { ServerObserver } from "./events.ts";
import type { TlsOptions } from "./tls_options.ts";

export { check_names };

/** What happens to a request when `max_requests` are under way: it waits, or it is refused. */
export type Overflow = "queue" | "refuse";

/** Whether each connection begins with a header of the PROXY protocol. */
export type ProxyProtocol = "off" | "required";

/**
 * What a server can be told when it is made. Each setting is also a static property of the server
 * classes, as in Python; what is given here wins. Times are in milliseconds.
 */
export interface ServerOptions {
  /**
   * Whether the constructor binds and listens. With `false`, call `server_bind()` and
   * `server_activate()` before serving.
   *
   * @default {true}
   */
  bind_and_activate?: boolean;
  /**
   * How long `handle_request()` waits for a request, in ms; `null` means for ever.
   *
   * @default {null}
   */
  timeout?: number | null;
  /**
   * How many requests may wait: in the system until they are accepted, and then in the server when
   * `max_requests` are under way. The system is asked for 2**31 - 1 at the most, and has a limit of its
   * own (`net.core.somaxconn` on Linux).
   *
   * @default {4096}
   */
  request_queue_size?: number;
  /**
   * How many requests may be handled at once, whatever the mix-in. A server without one handles one
   * at a time.
   *
   * @default {Infinity}
   */
  max_requests?: number;
  /**
   * What happens to a request beyond `max_requests`: `"queue"` lets `request_queue_size` wait,
   * `"refuse"` none. What may not wait goes to `handle_overflow()` and is closed.
   *
   * @default {"queue"}
   */
  overflow?: Overflow;
  /**
   * How many requests of one client may be under way at once, those that wait for a place included. One
   * more goes to `handle_overflow()`, with the reason `"per_client"`, and is closed. The server's
   * `client_key()` says what one client is: an IPv4 address, or a network of IPv6 (/64). A client may ask
   * again when its handler has ended.
   *
   * @default {Infinity}
   */
  max_requests_per_client?: number;
  /**
   * How many requests are taken in a second; after a quiet second as many may come at once. None is
   * refused for it: what is more waits in the system, as far as that has room.
   *
   * @default {Infinity}
   */
  max_accepts_per_second?: number;
  /**
   * How long the handler of a connection may go on, in ms, give or take a tenth, so that not all end at
   * once; `null` means for ever. Then the request is told to end, as at `server_close()`: the handler's
   * `signal` aborts, with a `Deno.errors.TimedOut`, and one that waits in a read with nothing half-read sees
   * the end of its input. What is left after 5000 ms more is cut. It is counted as it ends, and nothing is
   * reported. For stream servers.
   *
   * @default {null}
   */
  max_connection_age?: number | null;
  /**
   * The clients that may ask: IP addresses, ranges of them such as `"10.0.0.0/8"`, or `"*"` for all of them;
   * `null` means everybody. Others are closed before a byte is read; behind a proxy, where they are known only
   * by its header, when that is read. An address that is none, as that of a Unix client, is on no list. Not in
   * workers.
   *
   * @default {null}
   */
  allow?: readonly string[] | null;
  /**
   * The clients that may not ask, even if `allow` has them, and the proxies that may not connect, even if
   * they are `trusted_proxies`; `null` means none.
   *
   * @default {null}
   */
  deny?: readonly string[] | null;
  /**
   * How long the handler of a request may take, in ms; `null` means for ever. After it the handler's
   * `signal` aborts and the connection is closed; a worker or child that goes on with it is ended 1 s
   * later. `verify_request()` and `process_request()`, where they are waited for, may take as long. A
   * request that waits for a place has no clock.
   *
   * @default {null}
   */
  request_timeout?: number | null;
  /**
   * Python's switch for `SO_REUSEADDR`. For TCP, Deno always sets it on Unix and never on Windows, so
   * that this changes nothing: a restarted server gets its port, and two cannot share one. For UDP,
   * where the default is `false`, a second server that sets it, too, takes the datagrams over.
   *
   * @default {true}
   */
  allow_reuse_address?: boolean;
  /**
   * Whether other processes may listen at the same address, and share its connections
   * (`SO_REUSEPORT`, Linux). Needs `--unstable-net`; only for TCP.
   *
   * @default {false}
   */
  allow_reuse_port?: boolean;
  /**
   * The longest datagram that is handled, in bytes; the default is the longest of UDP over IPv4. A
   * longer one is dropped, and `handle_error()` hears of it: Python would handle its beginning.
   *
   * @default {65507}
   */
  max_packet_size?: number;
  /**
   * Whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`): otherwise sending there fails,
   * as it does in Python unless that is set. For UDP servers.
   *
   * @default {true}
   */
  broadcast?: boolean;
  /**
   * The multicast groups whose datagrams a UDP server receives, such as `"239.1.2.3"` or `"ff02::1234"`. The
   * system chooses the interface, unless it is named after a `%`: IPv4 by its address
   * (`"239.1.2.3%192.168.1.5"`), IPv6 by its name (`"ff02::1234%eth0"`), on Windows by its number
   * (`"ff02::1234%12"`). `NativeMixIn` takes both. Without it, Deno does not say that there is no such interface: the
   * system chooses one then. The server must listen at all interfaces, or at the group's own address; with several
   * programs on one machine each needs `allow_reuse_address`.
   *
   * @default {[]}
   */
  multicast_groups?: readonly string[];
  /**
   * How long a connection stays open after its reply to read what the client still sends, in ms;
   * closing with unread input would reset the connection and could destroy the reply. 0 closes at
   * once.
   *
   * @default {1000}
   */
  linger?: number;
  /**
   * Whether a proxy (HAProxy, nginx, a load balancer) begins each connection with a header of the PROXY
   * protocol, version 1 or 2, which says who the client is. With `"required"` the client's address is
   * that of the header, and a connection without a good header is closed and is no request. Nothing is
   * guessed: with `"off"` a header is data. For stream servers.
   *
   * @default {"off"}
   */
  proxy_protocol?: ProxyProtocol;
  /**
   * The proxies whose headers are believed: a list like {@linkcode allow}, `["*"]` only where nobody else can
   * connect. Who is not on it is closed at once, and nothing is read. `"required"` needs such a list; a Unix
   * server needs none, as the mode of its path says who may connect.
   *
   * @default {[]}
   */
  trusted_proxies?: readonly string[];
  /**
   * How long a proxy may take for its whole header, in ms.
   *
   * @default {3000}
   */
  proxy_timeout?: number;
  /**
   * Has the server speak TLS with its clients: its certificate, and all that goes with it. The handshake is where the
   * handler runs, before it, and holds up nobody else; a server without a mix-in does nothing else meanwhile. All is
   * read and checked when the server is made. `null` is none. For stream servers, but not on Windows.
   *
   * @default {null}
   */
  tls?: TlsOptions | null;
  /**
   * How long a TLS handshake may take, in ms. One that is not done then is closed; it is no request, and has not
   * failed: `info()` counts it. `request_timeout` starts after it.
   *
   * @default {5000}
   */
  handshake_timeout?: number;
  /**
   * Takes a socket that listens already, in place of one of its own: `true` is the first one that the
   * program was started with (see {@linkcode inherited_sockets}), a string the one of this name, a number
   * a descriptor. The server's address argument is passed over then. For stream servers, but not on Windows.
   *
   * @default {false}
   */
  inherit?: boolean | number | string;
  /**
   * How many workers `ThreadingMixIn` has.
   *
   * @default {navigator.hardwareConcurrency}
   */
  max_workers?: number;
  /**
   * How many requests a worker of `ThreadingMixIn` may handle at once. With 1, a request has a worker
   * for itself; then at most `max_workers` are handled at once.
   *
   * @default {Infinity}
   */
  max_requests_per_worker?: number;
  /**
   * How many child processes `ForkingMixIn` may have, each with one request at a time.
   *
   * @default {40}
   */
  max_children?: number;
  /**
   * Whether the program may end while workers are busy; `server_close()` does not wait for them then.
   * For `ThreadingMixIn`.
   *
   * @default {false}
   */
  daemon_threads?: boolean;
  /**
   * Whether `server_close()` waits for requests under way. For `ThreadingMixIn` and `ForkingMixIn`.
   *
   * @default {true}
   */
  block_on_close?: boolean;
  /**
   * Is told what happens, when it happens, in the server's own thread: see {@linkcode ServerEvent}. It may call
   * the server. What it throws is printed once, and harms nothing; a promise that it gives is not waited for.
   *
   * @default {null}
   */
  observer?: ServerObserver | null;
}

/** What `serve_forever()` can be told. */
export interface ServeOptions {
  /**
   * How often `service_actions()` runs on an idle server, in ms. Nothing else depends on it.
   *
   * @default {500}
   */
  poll_interval?: number;
  /** Ends the loop when it aborts, as `shutdown()` does. */
  signal?: AbortSignal;
  /**
   * Signals of the system that stop the program, such as `["SIGINT", "SIGTERM"]`: the first one stops
   * and closes the server, a second one ends the program at once.
   *
   * @default {[]}
   */
  stop_on?: readonly Deno.Signal[];
  /**
   * How long requests under way may go on after such a signal, in ms, before they are cut.
   *
   * @default {5000}
   */
  grace?: number;
}

/** What `server_close()` can be told. */
export interface CloseOptions {
  /**
   * How long requests under way may go on, in ms, before they are cut.
   *
   * @default {5000}
   */
  grace?: number;
}

/** A server's settings: the options that stay as properties. */
export type Settings = Required<Omit<ServerOptions, "bind_and_activate">>;

/** What `configure()` can change while a server serves. */
export type ConfigureOptions = Pick<
  ServerOptions,
  | "timeout"
  | "max_requests"
  | "overflow"
  | "max_requests_per_client"
  | "max_accepts_per_second"
  | "max_connection_age"
  | "allow"
  | "deny"
  | "request_timeout"
  | "linger"
>;

/** How the value of a setting is written on a command line: see `operation/serve/`. */
export type SettingKind = "switch" | "count" | "time" | "choice" | "list" | "socket";

/** What a setting may be: the check, and the words for the error. */
export interface Rule {
  check(value: unknown): boolean;
  words: string;
  /** What it is as text; left out where it is no text. */
  kind?: SettingKind;
  /** Whether `configure()` can change it. */
  is_live?: true;
  /** Whether workers get a copy of it: only what can be cloned, and is of use there. */
  in_workers: boolean;
  /** Whether it has secrets, which must not be in an error. */
  is_secret?: true;
}

/** The rule of a setting that may be `null`, too. */
function or_null(rule: Rule): Rule {
  return {
    ...rule,
    check: (value) => value === null || rule.check(value),
    words: `${rule.words}, or null`,
  };
}

/** The rule of a setting that can be changed while a server serves. */
function live(rule: Rule): Rule {
  return { ...rule, is_live: true };
}

const BOOLEAN: Rule = {
  check: (value) => typeof value === "boolean",
  words: "true or false",
  kind: "switch",
  in_workers: true,
};
const COUNT: Rule = {
  check: (value) => value === Infinity || (Number.isInteger(value) && Number(value) > 0),
  words: "a whole number from 1, or Infinity",
  kind: "count",
  in_workers: true,
};
const DURATION: Rule = {
  check: (value) => typeof value === "number" && value >= 0,
  words: "0 or more milliseconds",
  kind: "time",
  in_workers: true,
};
const LIMIT: Rule = or_null(DURATION);
const POSITIVE: Rule = {
  check: (value) => Number.isInteger(value) && Number(value) > 0,
  words: "a whole number from 1",
  kind: "count",
  in_workers: true,
};
const ADDRESSES: Rule = {
  check: is_address_list,
  words: 'a list of addresses, ranges such as "10.0.0.0/8", and "*"',
  kind: "list",
  in_workers: false,
};

/** Each setting with its rule. */
export const RULES: Readonly<Record<keyof Settings, Rule>> = {
  timeout: live(LIMIT),
  request_queue_size: POSITIVE,
  max_requests: live(COUNT),
  overflow: live({
    check: (value) => value === "queue" || value === "refuse",
    words: '"queue" or "refuse"',
    kind: "choice",
    in_workers: true,
  }),
  max_requests_per_client: live(COUNT),
  max_accepts_per_second: live(COUNT),
  max_connection_age: live(LIMIT),
  allow: live(or_null(ADDRESSES)),
  deny: live(or_null(ADDRESSES)),
  request_timeout: live(LIMIT),
  allow_reuse_address: BOOLEAN,
  allow_reuse_port: BOOLEAN,
  linger: live(DURATION),
  max_packet_size: POSITIVE,
  broadcast: BOOLEAN,
  multicast_groups: {
    check: is_group_list,
    words: 'a list of multicast addresses, such as ["239.1.2.3"]',
    kind: "list",
    in_workers: true,
  },
  proxy_protocol: {
    check: (value) => value === "off" || value === "required",
    words: '"off" or "required"',
    kind: "choice",
    in_workers: true,
  },
  trusted_proxies: ADDRESSES,
  proxy_timeout: DURATION,
  tls: or_null({
    check: (value) => typeof value === "object",
    words: "an object with cert and key",
    in_workers: false,
    is_secret: true,
  }),
  handshake_timeout: DURATION,
  inherit: {
    check: (value) =>
      typeof value === "boolean" || (typeof value === "string" && value !== "") ||
      (Number.isInteger(value) && Number(value) >= 0),
    words: "true, false, a descriptor, or the name of a socket",
    kind: "socket",
    in_workers: true,
  },
  max_workers: POSITIVE,
  max_requests_per_worker: COUNT,
  max_children: POSITIVE,
  daemon_threads: BOOLEAN,
  block_on_close: BOOLEAN,
  observer: or_null({
    check: (value) => typeof value === "function",
    words: "a function",
    in_workers: false,
  }),
};

/**
 * The settings of a server: its class's static properties, and the options, which win.
 *
 * @throws {RangeError} If one of them makes no sense.
 * @throws {TypeError} If an option is none, as Python says of unexpected keyword arguments.
 * @throws {Deno.errors.NotSupported} If the server cannot speak TLS and shall.
 */
export function settings_of(server: object, options: ServerOptions): Partial<Settings> {
  check_names(options, [...Object.keys(RULES), "bind_and_activate"]);
  check("bind_and_activate", options.bind_and_activate ?? true, BOOLEAN);
  const statics = server.constructor as unknown as Settings;
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(RULES) as (keyof Settings)[]) {
    const value = options[name] === undefined ? statics[name] : options[name];
    if (value === undefined) continue;
    settings[name] = checked(name, value);
  }
  if (settings.tls && !("tls" in statics)) {
    throw new Deno.errors.NotSupported("Cannot use tls: only servers of connections speak it");
  }
  return settings;
}

/**
 * Settings of a server that serves already, as it is told to change them.
 *
 * @throws {RangeError} If one of them makes no sense.
 * @throws {TypeError} If one is none, or one that only a new server can have.
 */
export function changed_settings(options: ConfigureOptions): Partial<Settings> {
  const all = Object.keys(RULES) as (keyof Settings)[];
  check_names(options, [...all, "bind_and_activate"]);
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options) as [keyof Settings, unknown][]) {
    if (value === undefined) continue;
    if (!RULES[name]?.is_live) {
      throw new TypeError(`Cannot change ${name} of a server: make a new one with it`);
    }
    changes[name] = checked(name, value);
  }
  return changes;
}

/**
 * The value of a setting. A list is a copy that cannot be changed: that would not be noticed.
 *
 * @throws {RangeError} If the setting cannot have this value.
 */
function checked(name: keyof Settings, value: unknown): unknown {
  check(name, value, RULES[name]);
  return Array.isArray(value) ? Object.freeze([...value]) : value;
}

function check(name: string, value: unknown, rule: Rule): void {
  if (rule.check(value)) return;
  const given = rule.is_secret ? "what is given" : Deno.inspect(value);
  throw new RangeError(`Cannot use ${name} = ${given}: it must be ${rule.words}`);
}

/** The names of the settings that workers get. */
export function settings_for_workers(server: object): (keyof Settings)[] {
  return (Object.keys(RULES) as (keyof Settings)[])
    .filter((name) => name in server && RULES[name].in_workers);
}

/** Whether a name is that of a setting that has secrets, which nobody else must get. */
export function is_secret(name: string): boolean {
  return (RULES as Record<string, Rule | undefined>)[name]?.is_secret === true;
}

/** Refuses what serving would not look at, or would fail with later. */
export function check_serve_options(options: ServeOptions): void {
  check_names(options, ["poll_interval", "signal", "stop_on", "grace"]);
  const { poll_interval = 500, signal, stop_on = [] } = options;
  if (typeof poll_interval !== "number" || !(poll_interval > 0)) {
    const told = Deno.inspect(poll_interval);
    throw new RangeError(`Cannot use poll_interval = ${told}: it must be above 0 ms`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    const hint = (signal as unknown) instanceof AbortController ? ": pass controller.signal" : "";
    throw new TypeError(`Cannot use this signal: it must be an AbortSignal${hint}`);
  }
  if (!Array.isArray(stop_on)) {
    throw new TypeError(`Cannot stop on ${Deno.inspect(stop_on)}: it must be a list of signals`);
  }
}
