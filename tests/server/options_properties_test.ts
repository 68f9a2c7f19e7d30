/** Options of servers, handlers and what runs them: what they may not be is refused at once, and by their names. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isIP } from "node:net";
import { BufferedReader } from "../../handlers/buffered_reader.ts";
import { BufferedWriter } from "../../handlers/buffered_writer.ts";
import {
  AsyncTCPServer,
  ForkingTCPServer,
  type ServerOptions,
  StreamSocket,
  TCPServer,
  ThreadingTCPServer,
  type TlsOptions,
  type UDPServer,
} from "../../mod.ts";
import { Monitor } from "../../operation/monitor/mod.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import { LOCALHOST } from "../fixtures/certificates/certificates.ts";
import {
  is_function,
  is_number,
  is_switch,
  is_text,
  is_whole,
  type Option,
  or_null,
  test_options,
} from "../fixtures/tools/any_options.ts";
import { turn } from "../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

const is_count = is_whole(1);
const is_finite_count = (value: unknown) => is_count(value) && value !== Infinity;
const is_time = is_number(0);
const is_one_of = (...words: string[]) => (value: unknown) => words.includes(value as string);

/** What stands in lists of addresses, and nearly does. */
const entry = fc.oneof(
  fc.constantFrom(
    "*",
    "",
    "10.0.0.0/8",
    "10.0.0.0/33",
    "::1/128",
    "::1/129",
    "fe80::1%lo",
    "10.0.0",
  ),
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4Extended(),
  fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: -1, max: 140 }))
    .map(([address, bits]) => `${address}/${bits}`),
);
const lists = fc.array(
  fc.oneof({ weight: 20, arbitrary: entry }, { weight: 1, arbitrary: fc.nat() }),
  {
    maxLength: 3,
  },
);

function is_entry(value: unknown): boolean {
  if (typeof value !== "string") return false;
  if (value === "*") return true;
  const [address, bits, ...more] = value.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address!)]!;
  const is_range = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= most);
  return most > 0 && !address!.includes("%") && is_range && more.length === 0;
}

const is_list = (value: unknown) => Array.isArray(value) && value.every(is_entry);

/** Of each setting: the server that has it, what it may be, and what nearly is that. */
const SETTINGS: Record<
  string,
  { is_good: (value: unknown) => boolean; near?: fc.Arbitrary<unknown>; Server?: typeof TCPServer }
> = {
  bind_and_activate: { is_good: or_null(is_switch) },
  timeout: { is_good: or_null(is_time) },
  request_queue_size: { is_good: is_finite_count },
  max_requests: { is_good: is_count },
  overflow: { is_good: is_one_of("queue", "refuse") },
  max_requests_per_client: { is_good: is_count },
  max_accepts_per_second: { is_good: is_count },
  max_connection_age: { is_good: or_null(is_time) },
  allow: { is_good: or_null(is_list), near: lists },
  deny: { is_good: or_null(is_list), near: lists },
  request_timeout: { is_good: or_null(is_time) },
  allow_reuse_address: { is_good: is_switch },
  allow_reuse_port: { is_good: is_switch },
  max_packet_size: { is_good: is_finite_count },
  broadcast: { is_good: is_switch },
  linger: { is_good: is_time },
  proxy_timeout: { is_good: is_time },
  trusted_proxies: { is_good: is_list, near: lists },
  handshake_timeout: { is_good: is_time },
  max_workers: { is_good: is_finite_count, Server: ThreadingTCPServer },
  max_requests_per_worker: { is_good: is_count, Server: ThreadingTCPServer },
  daemon_threads: { is_good: is_switch, Server: ThreadingTCPServer },
  block_on_close: { is_good: is_switch, Server: ThreadingTCPServer },
  max_children: { is_good: is_finite_count, Server: ForkingTCPServer },
  observer: { is_good: or_null(is_function) },
};

/** A server that does not listen, told one option: it has it then. */
function server_with(
  Server: typeof TCPServer,
  name: string,
  value: unknown,
): TCPServer | UDPServer {
  const options = { bind_and_activate: false, [name]: value } as ServerOptions;
  const server = new Server(HERE, UpperHandler, options);
  if (name !== "bind_and_activate") assertEquals(Reflect.get(server, name), value);
  return server;
}

const OPTIONS: Record<string, Option[]> = {
  "a server": Object.entries(SETTINGS).map(([name, { is_good, near, Server = TCPServer }]) => ({
    name,
    is_good,
    ...(near && { near }),
    tell: (value) => server_with(Server, name, value),
  })),
  "configure()": ["timeout", "max_requests", "linger", "allow", "request_timeout", "overflow"]
    .map((name) => ({
      name,
      is_good: SETTINGS[name]!.is_good,
      ...(SETTINGS[name]!.near && { near: SETTINGS[name]!.near }),
      tell: (value) => {
        const server = new AsyncTCPServer(HERE, UpperHandler, { bind_and_activate: false });
        server.configure({ [name]: value });
        assertEquals(Reflect.get(server, name), value);
        return server;
      },
    })),
  "serve_forever()": [
    {
      name: "poll_interval",
      is_good: is_number(Number.MIN_VALUE),
      tell: (value) => serve_with({ poll_interval: value }),
    },
    {
      name: "grace",
      is_good: is_time,
      tell: (value) => serve_with({ stop_on: ["SIGHUP"], grace: value }),
    },
    {
      name: "signal",
      is_good: (value) => value instanceof AbortSignal,
      tell: (value) => serve_with({ signal: value }),
    },
    {
      name: "stop_on",
      words: /stop_on|stop on|signal/i,
      is_good: (value) => Array.isArray(value) && value.every((one) => one === "SIGHUP"),
      tell: (value) => serve_with({ stop_on: value }),
      near: fc.array(fc.constantFrom("SIGHUP", "SIGNONE", 1, null), { maxLength: 2 }),
    },
  ],
  "server_close()": [{
    name: "grace",
    is_good: is_time,
    tell: async (value) => {
      await using server = new TCPServer(HERE, UpperHandler, { bind_and_activate: false });
      await server.server_close({ grace: value as number });
    },
  }],
  "tls": (["cert", "key", "passphrase", "pfx", "ca", "min_version", "request_client_cert"] as const)
    .map((name) => ({
      name,
      words: new RegExp(`${name}|tls`),
      is_good: good_tls(name),
      tell: (value) => tls_with({ [name]: value }),
    })),
  "tls, lists": [
    {
      name: "alpn_protocols",
      is_good: (value) =>
        Array.isArray(value) && value.length > 0 &&
        value.every((one) => typeof one === "string" && one !== "" && bytes(one) < 256),
      tell: (value) => tls_with({ alpn_protocols: value }),
      near: fc.array(fc.oneof(fc.constantFrom("h2", ""), fc.string()), { maxLength: 3 }),
    },
    {
      name: "sni",
      words: /sni|options/,
      is_good: (value) => is_empty_object(value),
      tell: (value) => tls_with({ sni: value }),
    },
  ],
  "an address": [
    {
      name: "address",
      words: /address|port/,
      is_good: (value) =>
        Array.isArray(value) && typeof value[0] === "string" && is_whole(0, 65_535)(value[1]),
      tell: (value) =>
        new TCPServer(value as typeof HERE, UpperHandler, { bind_and_activate: false }),
      near: fc.tuple(fc.constantFrom("127.0.0.1", "", "x", 1), fc.oneof(fc.integer(), fc.double())),
    },
  ],
  "BufferedReader": [
    {
      name: "bufsize",
      is_good: (value) => Number.isInteger(value) && (value as number) <= 2 ** 32,
      tell: (value) => new BufferedReader(new Uint8Array(1), value as number),
    },
    {
      name: "read_deadline",
      is_good: or_null(is_time),
      tell: (value) => new BufferedReader(new Uint8Array(1), 1, value as number),
    },
  ],
  "BufferedWriter": [
    {
      name: "bufsize",
      is_good: (value) => Number.isInteger(value) || value === Infinity,
      tell: (value) => new BufferedWriter({ sendall: () => Promise.resolve() }, value as number),
    },
    {
      name: "high_water",
      is_good: is_time,
      tell: (value) => {
        const writer = new BufferedWriter({ sendall: () => Promise.resolve() });
        writer.high_water = value as number;
      },
    },
  ],
  "StreamSocket": [{
    name: "timeout",
    is_good: or_null(is_time),
    tell: (value) => {
      const conn = { watch: () => {}, pull: () => {} } as unknown as Deno.Conn;
      new StreamSocket(conn).settimeout(value as number);
    },
  }],
  "Monitor": [
    {
      name: "port",
      is_good: (value) => value === null || value === 0,
      tell: (value) => monitor_with({ port: is_whole(1, 65_535)(value) ? 0.5 : value }),
    },
    {
      name: "token",
      is_good: (value) => typeof value === "string" && value !== "",
      tell: (value) => monitor_with({ token: value }),
    },
  ],
};

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function is_empty_object(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** What TLS may be told, beside a certificate and its key. */
function good_tls(name: string): (value: unknown) => boolean {
  switch (name) {
    case "min_version":
      return is_one_of("TLSv1.2", "TLSv1.3");
    case "request_client_cert":
      return is_one_of("no");
    case "passphrase":
      return is_text;
    default:
      // There is no other certificate, key or authority among what it is told.
      return () => false;
  }
}

function tls_with(options: Record<string, unknown>): TCPServer {
  const tls = { ...LOCALHOST, ...options } as TlsOptions;
  return new TCPServer(HERE, UpperHandler, { bind_and_activate: false, tls });
}

/** Serves, and stops at once. */
async function serve_with(options: Record<string, unknown>): Promise<void> {
  await using server = new AsyncTCPServer(HERE, UpperHandler);
  const serving = server.serve_forever(options);
  await Promise.race([serving, server.shutdown()]);
  await server.shutdown();
  await serving;
  // A listener of signals is gone when the event loop has turned.
  if (options.stop_on) await turn();
}

function monitor_with(options: Record<string, unknown>): Monitor {
  const server = new TCPServer(HERE, UpperHandler, { bind_and_activate: false });
  return new Monitor(server, options);
}

test_options(OPTIONS);
