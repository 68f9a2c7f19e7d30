/**
 * The least that a server on Deno can do: accept, read, write. What our servers add is measured
 * against it, so it has the same reads and writes and nothing else. Prints its port, then serves
 * until it is ended.
 *
 * ```sh
 * deno run --allow-net bench/servers/bare.ts echo 0
 * deno run --allow-net --allow-read bench/servers/bare.ts --tls PATH echo 0
 * ```
 *
 * With `--tls` the certificate is `PATH.crt`, and its key `PATH.key`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { BULK } from "./bulk.ts";
import { compute } from "./compute.ts";
import { COPIES } from "./copies.ts";

/** What one read takes at the most, in bytes: the same in all servers. */
const READ_SIZE = 65_536;

/** Over TLS there is no choice about small packets. */
type Conn = Deno.Conn & Partial<Pick<Deno.TcpConn, "setNoDelay">>;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const NEWLINE = 10;

const HANDLERS: Record<string, (conn: Conn) => Promise<void>> = {
  echo,
  lines: (conn) => answer_lines(conn, (line) => `${line.toUpperCase()}\n`),
  fanout,
  compute: (conn) => answer_lines(conn, () => `${compute()}\n`),
  mixed: (conn) => answer_lines(conn, light_or_heavy),
  bulk_out,
  bulk_in: (conn) => take_bulk(conn, (bytes) => bytes),
  bulk_in_kept: (conn) => take_bulk(conn, (bytes) => bytes.slice()),
};

async function echo(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(READ_SIZE);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) break;
    await write_all(conn, buffer.subarray(0, count));
  }
}

const members = new Set<Conn>();

/** Tells each line to all clients, many times. A line comes in one piece, short as it is. */
async function fanout(conn: Conn): Promise<void> {
  conn.setNoDelay?.(true);
  members.add(conn);
  try {
    await write_all(conn, ENCODER.encode("ready\n"));
    const buffer = new Uint8Array(READ_SIZE);
    for (let count; (count = await conn.read(buffer)) !== null;) {
      for (let copy = 0; copy < COPIES; copy++) {
        for (const member of members) await write_all(member, buffer.subarray(0, count));
      }
    }
  } finally {
    members.delete(conn);
  }
}

/** One write for each line, as line handlers do it. */
async function answer_lines(conn: Conn, reply: (line: string) => string): Promise<void> {
  conn.setNoDelay?.(true);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(READ_SIZE);
  for (let rest = "";;) {
    const count = await conn.read(buffer);
    if (count === null) break;
    const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await write_all(conn, ENCODER.encode(reply(line)));
  }
}

function light_or_heavy(line: string): string {
  return line === "heavy" ? `${compute()}\n` : `${line.toUpperCase()}\n`;
}

/** Answers a number with as many bytes. It comes in one piece, short as it is. */
async function bulk_out(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(READ_SIZE);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) break;
    let left = Number(DECODER.decode(buffer.subarray(0, count)));
    for (; left > 0; left -= BULK.length) await write_all(conn, BULK.subarray(0, left));
  }
}

/** Answers a line of any length with that length. */
async function take_bulk(
  conn: Conn,
  take: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const buffer = new Uint8Array(READ_SIZE);
  for (let length = 0;;) {
    const count = await conn.read(buffer);
    if (count === null) break;
    const data = take(buffer.subarray(0, count));
    length += data.length;
    if (data.at(-1) !== NEWLINE) continue;
    await write_all(conn, ENCODER.encode(`${length}\n`));
    length = 0;
  }
}

async function write_all(conn: Conn, data: Uint8Array): Promise<void> {
  for (let sent = 0; sent < data.length;) sent += await conn.write(data.subarray(sent));
}

async function serve(conn: Conn, handle: typeof echo): Promise<void> {
  using _closed_at_end = conn;
  try {
    await handle(conn);
  } catch {
    // The client went away; the load generator counts what it lost.
  }
}

function listen(port: number, certificate: string | undefined): AsyncIterable<Conn> {
  const options = { hostname: "127.0.0.1", port, tcpBacklog: 4096 };
  const listener = certificate === undefined ? Deno.listen(options) : Deno.listenTls({
    ...options,
    cert: Deno.readTextFileSync(`${certificate}.crt`),
    key: Deno.readTextFileSync(`${certificate}.key`),
  });
  console.log((listener.addr as Deno.NetAddr).port);
  return listener;
}

async function main(args: string[]): Promise<void> {
  const { keep, tls, _: [name, port] } = parseArgs(args, { boolean: ["keep"], string: ["tls"] });
  const handle = HANDLERS[keep ? `${name}_kept` : String(name)];
  if (!handle) throw new TypeError(`Cannot serve ${name}: give one of ${Object.keys(HANDLERS)}`);
  for await (const conn of listen(Number(port), tls)) void serve(conn, handle);
}

await main(Deno.args);
