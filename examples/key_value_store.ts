/**
 * A key-value store with some of the commands of Redis, in its protocol: resp.ts reads and writes
 * that. It holds at most 64 MiB of entries, and as much of commands that have not come in whole. Ctrl-C
 * ends it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:6380 examples/key_value_store.ts --port 6380
 * redis-cli -p 6380 SET greeting hello EX 60
 * redis-benchmark -p 6380 -t ping,set,get -P 16 -q
 * nc 127.0.0.1 6380   # and type: GET greeting
 * deno task serve examples/key_value_store.ts --threading --port 6380   # its connections on all cores
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { AsyncMixIn, type Remote, StreamRequestHandler, TCPServer } from "../mod.ts";
import { Entries } from "./entries.ts";
import { LIMITS } from "./limits.ts";
import { bulk, bytes_of, failure, integer, OK, words_of } from "./resp.ts";

const UNITS: Record<string, number> = { EX: 1000, PX: 1 }; // of the times that SET takes, in ms

/** Holds the entries, which all connections share, wherever their handlers run. */
export class KeyValueServer extends TCPServer {
  #entries = new Entries();

  /** Does what a command says, and gives the reply. */
  execute(name: string, words: string[]): string {
    return execute(this.#entries, name, words);
  }

  /** Drops expired entries that nobody reads. */
  override service_actions(): void {
    this.#entries.sweep();
  }
}

const FULL = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const NO_INTEGER = failure("value is not an integer or out of range");

type Run = (store: Entries, ...words: string[]) => string;
/** For each command: how many words may follow its name, and what makes the reply. */
const COMMANDS: Record<string, [least: number, most: number, run: Run]> = {
  COMMAND: [0, Infinity, () => "*0\r\n"],
  CONFIG: [2, 2, (_store, _get, name) => `*2\r\n${bulk(name)}${bulk("")}`],
  DEL: [1, Infinity, (store, ...keys) => integer(keys.filter((key) => store.delete(key)).length)],
  ECHO: [1, 1, (_store, text) => bulk(text)],
  EXPIRE: [2, 2, expire],
  GET: [1, 1, (store, key) => bulk(store.get(key)?.value)],
  INCR: [1, 1, increment],
  PING: [0, 1, (_store, text?) => text === undefined ? "+PONG\r\n" : bulk(text)],
  QUIT: [0, Infinity, () => OK],
  SET: [2, 4, set],
  TTL: [1, 1, (store, key) => integer(seconds_left(store, key))],
};

/** The word as an integer, else `NaN`; at most 15 digits, which a number holds exactly. */
const integer_of = (word = "") => /^-?\d{1,15}$/.test(word) ? Number(word) : NaN;
const from_now = (word = "", unit = NaN) => performance.now() + integer_of(word) * unit;

function expire(store: Entries, key: string, seconds: string): string {
  const expires = from_now(seconds, 1000);
  if (Number.isNaN(expires)) return NO_INTEGER;
  const entry = store.get(key);
  if (entry) entry.expires = expires;
  return integer(entry ? 1 : 0);
}

/** As Redis has it: -1 for an entry that stays, -2 for one that is not there. */
function seconds_left(store: Entries, key: string): number {
  const entry = store.get(key);
  if (!entry) return -2;
  return entry.expires === Infinity ? -1 : Math.round((entry.expires - performance.now()) / 1000);
}

function increment(store: Entries, key: string): string {
  const { value, expires } = store.get(key) ?? { value: "0", expires: Infinity };
  const sum = integer_of(value) + 1;
  if (Number.isNaN(sum)) return NO_INTEGER;
  return store.put(key, { value: `${sum}`, expires }) ? integer(sum) : FULL;
}

function set(store: Entries, key: string, value: string, unit?: string, time?: string) {
  const ms = UNITS[unit?.toUpperCase() ?? ""];
  if (unit !== undefined && (ms === undefined || time === undefined)) {
    return failure("syntax error");
  }
  const expires = unit === undefined ? Infinity : from_now(time, ms);
  if (Number.isNaN(expires)) return NO_INTEGER;
  if (expires <= performance.now()) return failure("invalid expire time in 'set' command");
  return store.put(key, { value, expires }) ? OK : FULL;
}

function execute(store: Entries, name: string, words: string[]): string {
  const [least, most, run] = COMMANDS[name.toUpperCase()] ?? [];
  if (!run) {
    const start = words.map((word) => `'${word}' `).join("").slice(0, 128);
    return failure(`unknown command '${name.slice(0, 128)}', with args beginning with: ${start}`);
  }
  if (words.length >= least! && words.length <= most!) return run(store, ...words);
  return failure(`wrong number of arguments for '${name.toLowerCase()}' command`);
}

/** Serves a connection. */
export class CommandHandler extends StreamRequestHandler<Remote<KeyValueServer>> {
  /** The replies to a pipeline of commands go out together. */
  static override wbufsize = 65_536;
  static override timeout = 300_000; // ms that a client may be silent
  static override read_deadline = 30_000; // ms that a word may take, once it has begun

  override async handle(): Promise<void> {
    try {
      for await (const line of this.rfile) {
        const [name, ...words] = await words_of(line, this.rfile);
        if (name === undefined) continue;
        await this.wfile.write(bytes_of(await this.server.execute(name, words)));
        if (name.toUpperCase() === "QUIT") break;
      }
    } catch (error) {
      if (error instanceof Deno.errors.TimedOut) return;
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
      await this.wfile.write(failure(`Protocol error: ${error.message}`));
    }
  }
}

if (import.meta.main) {
  const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "6380" } });
  const Server = AsyncMixIn(KeyValueServer);
  await using server = new Server(["127.0.0.1", Number(port)], CommandHandler, LIMITS);
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on 127.0.0.1:${server.server_address.port}; Ctrl-C ends it`);
  await serving;
}
