/**
 * Receives the log records of Python programs and prints them, as the receiver in Python's logging
 * cookbook does. Ctrl-C ends it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:9020 --allow-read=. examples/logging_receiver.ts --port 9020
 * python3 examples/logging_client.py 9020
 * ```
 *
 * A record is its length, four bytes with the highest first, and JSON. Python's `SocketHandler` sends
 * a pickle instead of JSON. To unpickle is to run what the sender chose: anyone who reaches the port
 * could take over the program. In the client a subclass makes JSON instead.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";
import { LIMITS } from "./limits.ts";
import { printable } from "./printable.ts";

/** The longest record, in bytes. */
const MAX_RECORD = 65_536;
/** How a pickled object starts: `}` in protocol 1, which `SocketHandler` uses, 0x80 in later ones. */
const PICKLE_STARTS = [0x7d, 0x80];

/** The parts of a record that are printed, by Python's names. */
const FIELDS = ["name", "levelname", "message"] as const;
type LogRecord = Record<typeof FIELDS[number], string>;

/** Prints the records of a connection. */
export class LogRecordHandler extends StreamRequestHandler {
  static override timeout = 3_600_000; // ms that a program may have nothing to say
  static override read_deadline = 10_000; // ms that a record may take, once it has begun

  override async handle(): Promise<void> {
    try {
      // If it ends inside of a length, nothing is lost.
      for (let length; (length = await this.rfile.read(4)).length === 4;) {
        print(record_of(await this.rfile.readexactly(checked(length))));
      }
    } catch (error) {
      const { InvalidData, TimedOut } = Deno.errors;
      if (!(error instanceof InvalidData || error instanceof TimedOut)) throw error;
      console.error(`Closed the connection of ${this.client_address.hostname}: ${error.message}`);
    }
  }
}

function checked(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length <= MAX_RECORD) return length;
  throw new Deno.errors.InvalidData(`a record of ${length} bytes, the limit is ${MAX_RECORD}`);
}

function record_of(bytes: Uint8Array): LogRecord {
  if (PICKLE_STARTS.includes(bytes[0]!)) {
    throw new Deno.errors.InvalidData("a pickle, which could run any code; send JSON");
  }
  const value = Object(parsed(new TextDecoder().decode(bytes)));
  const missing = FIELDS.filter((field) => typeof value[field] !== "string");
  if (missing.length === 0) return value;
  throw new Deno.errors.InvalidData(`a record without a text as its ${missing.join(", ")}`);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Deno.errors.InvalidData("a record that is not JSON", { cause });
  }
}

function print({ name, levelname, message }: LogRecord): void {
  console.log(printable(`${name.padEnd(15)} ${levelname.padEnd(8)} ${message}`));
}

async function main(args: string[]): Promise<void> {
  const { port } = parseArgs(args, { string: ["port"], default: { port: "9020" } });
  await using server = new ThreadingTCPServer(
    ["127.0.0.1", Number(port)],
    LogRecordHandler,
    LIMITS,
  );
  const { hostname, port: bound } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Receiving on ${hostname}:${bound}; Ctrl-C ends it`);
  await serving;
}

if (import.meta.main) await main(Deno.args);
