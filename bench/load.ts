/**
 * A load generator for TCP and UDP servers, for where load.c cannot be built. It takes the same
 * command line and prints the same JSON in the modes echo, lines, compute, request and udp, for the
 * last with the flag --unstable-net. It needs more of the processor for the same load, so figures of
 * the one do not compare with figures of the other.
 *
 * ```sh
 * deno run --allow-net bench/load.ts echo 127.0.0.1 8080 --connections 64 --size 64 --seconds 2
 * ```
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { parseArgs } from "@std/cli/parse-args";
import { LoadClient, type Talk } from "./load_client.ts";
import { LoadDatagramClient } from "./load_datagram_client.ts";
import { LoadWindow } from "./load_window.ts";

/** How much longer than the time measured everything may take, in ms. */
const PATIENCE = 10_000;
/** How long a client that met an error waits before it connects again, in ms. */
const RETRY = 10;

const A = "a".charCodeAt(0);
const NEWLINE = 10;

/** Where the server listens. */
interface Address {
  hostname: string;
  port: number;
}

/** What one client does until the window closes. */
type Client = (address: Address, talk: Talk, window: LoadWindow) => Promise<void>;

/** What a mode does, and its defaults. */
interface Mode {
  client: Client;
  echoes: boolean;
  connections: number;
  size: number;
}

const MODES: Record<string, Mode> = {
  echo: { client: converse, echoes: true, connections: 64, size: 64 },
  lines: { client: converse, echoes: true, connections: 64, size: 64 },
  compute: { client: converse, echoes: false, connections: 8, size: 3 },
  request: { client: request, echoes: false, connections: 32, size: 64 },
  udp: { client: exchange, echoes: true, connections: 32, size: 64 },
};

async function main(args: string[]): Promise<void> {
  const { _: [name, hostname, port], ...flags } = parseArgs(args, {
    string: ["connections", "size", "seconds", "pipeline", "_"],
    default: { seconds: "5", pipeline: "1" },
  });
  const mode = MODES[String(name)];
  if (!mode) throw new TypeError(`Cannot load with ${name}: give one of ${Object.keys(MODES)}`);
  const { connections = mode.connections, size = mode.size } = flags;
  const pipeline = Number(flags.pipeline);
  const seconds = Number(flags.seconds);

  const window = new LoadWindow(seconds);
  const address = { hostname: String(hostname), port: Number(port) };
  const clients = Array.from({ length: Number(connections) }, (_, index) => {
    const talk = { message: line_of(index, Number(size)), pipeline, echoes: mode.echoes };
    return mode.client(address, talk, window);
  });
  await deadline(Promise.all(clients), seconds * 1000 + PATIENCE);

  const result = window.result(String(name));
  console.log(JSON.stringify(result));
  if (result.messages === 0) Deno.exitCode = 1;
}

/** A line that differs from one client to the next, so that mixed-up replies are noticed. */
function line_of(index: number, size: number): Uint8Array {
  const line = Uint8Array.from({ length: size }, (_, at) => A + (index + at) % 26);
  line[size - 1] = NEWLINE;
  return line;
}

async function converse(...[address, talk, window]: Parameters<Client>): Promise<void> {
  try {
    using conn = await Deno.connect(address);
    await new LoadClient(conn, talk, window).converse();
  } catch (error) {
    window.fail(error);
  }
}

async function request(...[address, talk, window]: Parameters<Client>): Promise<void> {
  while (window.open) {
    try {
      const started = performance.now();
      using conn = await Deno.connect(address);
      await new LoadClient(conn, talk, window).request(started);
    } catch (error) {
      window.fail(error);
      await delay(RETRY);
    }
  }
}

async function exchange(...[address, talk, window]: Parameters<Client>): Promise<void> {
  try {
    using resources = new DisposableStack();
    const socket = Deno.listenDatagram({ transport: "udp", hostname: address.hostname, port: 0 });
    resources.defer(() => socket.close());
    await new LoadDatagramClient(socket, { transport: "udp", ...address }, talk, window).converse();
  } catch (error) {
    window.fail(error);
  }
}

await main(Deno.args);
