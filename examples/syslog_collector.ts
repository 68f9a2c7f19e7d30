/**
 * A syslog collector on UDP, TCP and a Unix datagram socket at once: it prints one line for each
 * message, in the form of RFC 5424 or RFC 3164. A message can name any host, so who sent it is printed
 * beside another one: `host[127.0.0.1]`. Ctrl-C ends it. Its clients are `logger` and Python's
 * `logging.handlers.SysLogHandler`:
 *
 * ```sh
 * deno run --unstable-net --allow-net=127.0.0.1:5514,unix:/tmp/syslog.sock --allow-read=/tmp/syslog.sock \
 *   --allow-write=/tmp/syslog.sock examples/syslog_collector.ts --port 5514 --socket /tmp/syslog.sock
 * logger --server 127.0.0.1 --port 5514 --udp hello
 * logger --server 127.0.0.1 --port 5514 --udp --rfc3164 hello
 * logger --server 127.0.0.1 --port 5514 --tcp --octet-count hello
 * logger --server 127.0.0.1 --port 5514 --tcp hello
 * logger --socket /tmp/syslog.sock hello
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Buffer } from "node:buffer";
import {
  AsyncTCPServer,
  type BaseServer,
  type BufferedReader,
  DatagramRequestHandler,
  StreamRequestHandler,
  UDPServer,
  UnixDatagramServer,
} from "../mod.ts";
import { LIMITS } from "./limits.ts";
import { printable } from "./printable.ts";

/** The longest message, in bytes. */
const MAX_MESSAGE = 8192;
/** Few messages are longer than RFC 3164 allows, in bytes. */
const USUAL_MESSAGE = 1024;
/** How many digits the count of the longest message has. */
const MAX_DIGITS = String(MAX_MESSAGE).length;
/** What a message without a priority gets: user.notice (RFC 3164, section 4.3.3). */
const DEFAULT_PRIORITY = 13;

const FACILITIES = [
  ..."kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert".split(" "),
  ..."clock local0 local1 local2 local3 local4 local5 local6 local7".split(" "),
];
const SEVERITIES = "emerg alert crit err warning notice info debug".split(" ");

/** What follows the priority; `-` is for what the sender does not know, or does not say. */
const FORMS = [
  // RFC 5424: version, time, host, app, process, message's id, structured data, message.
  /^1 (?<time>\S+) (?<host>\S+) (?<app>\S+) \S+ \S+ (?:-|(?:\[(?:[^"\]]|"(?:\\.|[^"\\])*")*\])+)(?: \uFEFF?(?<text>.*))?$/s,
  // RFC 3164: time, host, tag, message. On its own machine a program names no host.
  /^(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?:(?<host>\S*[^\s:]) )?(?<app>[^\s:[]+)(?:\[[^\]\s]*\])?: ?(?<text>.*)$/s,
  // Anything else is a message, too.
  /^(?<text>.*)$/s,
];

/** Prints the message in a datagram. */
export class DatagramHandler
  extends DatagramRequestHandler<BaseServer, Deno.NetAddr | Deno.UnixAddr> {
  override handle(): void {
    const sender = "hostname" in this.client_address ? this.client_address.hostname : "localhost";
    print(this.packet, sender);
  }
}

/** Prints the messages of a connection. */
export class StreamHandler extends StreamRequestHandler {
  static override timeout = 3_600_000; // ms that a program may have nothing to say
  static override read_deadline = 10_000; // ms that a counted message may take, once it has begun

  override async handle(): Promise<void> {
    const { hostname } = this.client_address;
    try {
      for await (const message of messages(this.rfile)) print(message, hostname);
    } catch (error) {
      const { InvalidData, TimedOut } = Deno.errors;
      if (!(error instanceof InvalidData || error instanceof TimedOut)) throw error;
      console.error(`Closed the connection of ${hostname}: ${error.message}`);
    }
  }
}

/** The messages of a stream, each counted or ended (RFC 6587): a counted one begins with a digit. */
async function* messages(stream: BufferedReader): AsyncGenerator<Uint8Array> {
  for (let next; (next = await stream.peek(1)).length > 0;) {
    yield await (/\d/.test(String.fromCharCode(next[0]!)) ? counted(stream) : ended(stream));
  }
}

async function counted(stream: BufferedReader): Promise<Uint8Array> {
  const count = Number(new TextDecoder().decode(await stream.readuntil(" ", MAX_DIGITS + 1)));
  if (!(count <= MAX_MESSAGE)) {
    throw new Deno.errors.InvalidData(`A count must be a number up to ${MAX_MESSAGE}`);
  }
  return await stream.readexactly(count);
}

/** A message that a newline ends, or a zero byte as in Python's `SysLogHandler`, or the stream. */
async function ended(stream: BufferedReader): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let room = MAX_MESSAGE; room > 0; room -= parts.at(-1)!.length) {
    const next = await stream.peek(Math.min(room, USUAL_MESSAGE));
    const end = next.findIndex((byte) => byte === 0x0a || byte === 0);
    parts.push(await stream.read1(end < 0 ? next.length : end + 1));
    if (end >= 0 || next.length === 0) return Buffer.concat(parts);
  }
  throw new Deno.errors.InvalidData(`A message has at most ${MAX_MESSAGE} bytes`);
}

function print(message: Uint8Array, sender: string): void {
  const line = new TextDecoder().decode(message).replace(/\0$/, "").trimEnd();
  if (line !== "") console.log(printable(described(line, sender)));
}

/** A message in words: when, where, how bad, who, what. */
function described(message: string, sender: string): string {
  const [start = "", digits] = /^<(\d{1,3})>/.exec(message) ?? [];
  const known = digits !== undefined && Number(digits) < FACILITIES.length * 8;
  const priority = known ? Number(digits) : DEFAULT_PRIORITY;
  const body = known ? message.slice(start.length) : message;
  const form = FORMS.find((form) => form.test(body))!;
  const { time = "-", host = "-", app = "-", text = "" } = form.exec(body)!.groups!;
  const when = time === "-" ? new Date().toISOString() : time;
  const where = host === "-" || host === sender ? sender : `${host}[${sender}]`;
  const level = `${FACILITIES[priority >> 3]}.${SEVERITIES[priority & 7]}`;
  return `${when} ${where} ${level} ${app}: ${text}`;
}

async function main(args: string[]): Promise<void> {
  const { port, socket } = parseArgs(args, {
    string: ["port", "socket"],
    default: { port: "5514", socket: "/tmp/syslog.sock" },
  });
  const address: [string, number] = ["127.0.0.1", Number(port)];
  const limits = { max_packet_size: MAX_MESSAGE };
  await using udp = new UDPServer(address, DatagramHandler, limits);
  await using tcp = new AsyncTCPServer(address, StreamHandler, LIMITS);
  await using unix = new UnixDatagramServer(socket, DatagramHandler, limits);
  const stop_on: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  const serving = [udp, tcp, unix].map((server) => server.serve_forever({ stop_on }));
  const ports = `UDP port ${udp.server_address.port}, TCP port ${tcp.server_address.port}`;
  console.log(`Collecting on ${ports} and ${socket}; Ctrl-C ends it`);
  await Promise.all(serving);
}

if (import.meta.main) await main(Deno.args);
