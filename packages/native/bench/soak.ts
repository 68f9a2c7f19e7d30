/**
 * Datagrams of random lengths and origins, for a long time: no byte may be wrong, no descriptor left, no memory
 * written outside of its buffers, and none kept. Both sides are native.
 *
 * ```sh
 * deno run -A packages/native/bench/soak.ts --seconds 600
 * ```
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { parseArgs } from "@std/cli/parse-args";
import { AsyncUDPServer, DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
import { same_bytes } from "../../../tests/fixtures/tools/bytes.ts";
import { Random } from "../../../tests/fixtures/tools/random.ts";
import { NativeMixIn } from "../mod.ts";
import { NativeDatagramListener } from "../native_datagram_listener.ts";

/** How many clients there are, each with an address of its own, and how many datagrams each has under way. */
const CLIENTS = 24;
const AT_ONCE = 16;
/** How long a reply may take, in ms, before it counts as lost: the system drops what its buffers cannot hold. */
const PATIENCE = 200;
const LONGEST = 65_507;
const HEADER = 8;
const MIB = 2 ** 20;

/** Where the bytes of datagrams come from. */
const POOL = crypto.getRandomValues(new Uint8Array(65_536));
const NOISE = new Uint8Array(2 * LONGEST).map((_, at) => POOL[at % POOL.length]! ^ (at >>> 8));

/** Sends back what comes. */
class EchoHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

const counts = { sent: 0, received: 0, lost: 0 };
const random = new Random(Date.now());

/** A length: mostly short, sometimes one of the longest. */
function random_length(): number {
  const kind = random.below(100);
  if (kind < 5) return HEADER;
  if (kind < 90) return HEADER + random.below(1500);
  return HEADER + random.below(LONGEST - HEADER + 1);
}

/** A datagram that begins with its number and where its bytes are in the noise. */
function datagram(number: number): Uint8Array {
  const length = random_length();
  const place = random.below(LONGEST);
  const data = NOISE.slice(place, place + length);
  const view = new DataView(data.buffer);
  view.setUint32(0, number);
  view.setUint32(4, place);
  return data;
}

/** Looks whether a reply is one of those that are waited for, byte by byte. */
function check(reply: Uint8Array, waiting: Map<number, number>): void {
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
  const number = view.getUint32(0);
  const length = waiting.get(number);
  if (length === undefined) return; // It was counted as lost.
  const place = view.getUint32(4);
  assertEquals(reply.length, length);
  assert(same_bytes(reply.subarray(HEADER), NOISE.subarray(place + HEADER, place + length)));
  waiting.delete(number);
  counts.received++;
}

/** One client, until the time is over. */
async function ask(hostname: string, server: Deno.NetAddr, end: number): Promise<void> {
  const addr: Deno.NetAddr = { transport: "udp", hostname, port: 0 };
  const options = { addr, backlog: 64, reuse_address: false, max_packet_size: LONGEST };
  const client = new NativeDatagramListener({ ...options, receive_buffer: 4 * MIB });
  const waiting = new Map<number, number>();
  for (let number = 0; performance.now() < end;) {
    const sendings = [];
    while (waiting.size < AT_ONCE) {
      const data = datagram(number);
      waiting.set(number++, data.length);
      sendings.push(client.send(data, server));
      counts.sent++;
    }
    await Promise.all(sendings);
    await take(client, waiting);
  }
  await client.close();
}

/** Takes a reply, or loses patience with all. */
async function take(client: NativeDatagramListener, waiting: Map<number, number>): Promise<void> {
  const timer = setTimeout(() => {
    counts.lost += waiting.size;
    waiting.clear();
    // It drops what comes from itself, and says so, which ends the waiting.
    void client.send(new Uint8Array(0), client.addr);
  }, PATIENCE);
  try {
    const accepted = client.accept();
    const [[reply]] = accepted instanceof Promise ? await accepted : accepted;
    check(reply, waiting);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
  } finally {
    clearTimeout(timer);
  }
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** The memory of this process over time. */
class Memory implements Disposable {
  #samples: number[] = [];
  #timer = setInterval(() => this.#samples.push(Deno.memoryUsage().rss), 250);

  /** From the second quarter of the time to the last one, each at its median. */
  get grown(): number {
    const quarter = Math.floor(this.#samples.length / 4);
    const [early, late] = [quarter, 3 * quarter].map((from) =>
      this.#samples.slice(from, from + quarter).toSorted((a, b) => a - b)[quarter >> 1]!
    );
    return late! - early!;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Serves for so long, and tells by how much the memory of the process grew. */
async function soak(seconds: number): Promise<number> {
  using memory = new Memory();
  const end = performance.now() + seconds * 1000;
  const classes = [NativeMixIn(UDPServer), NativeMixIn(AsyncUDPServer)];
  const hosts = ["127.0.0.1", "::"];
  const servers = classes.map((Server, at) => {
    class Buffered extends Server {
      static override receive_buffer = 8 * MIB;
    }
    return new Buffered([hosts[at]!, 0], EchoHandler);
  });
  const loops = servers.map((server) => server.serve_forever());
  await Promise.all(Array.from({ length: CLIENTS }, (_, at) => {
    const { port } = servers[at % 2]!.server_address;
    const hostname = at % 4 === 3 ? "::1" : `127.0.0.${2 + at}`;
    const to = at % 4 === 3 ? "::1" : "127.0.0.1";
    return ask(hostname, { transport: "udp", hostname: to, port }, end);
  }));
  for (const server of servers) {
    const { failed } = server.info();
    assertEquals(failed, 0);
    // It throws if something was written outside of its memory.
    await server.server_close();
  }
  await Promise.all(loops);
  return memory.grown;
}

const { seconds } = parseArgs(Deno.args, { string: ["seconds"], default: { seconds: "600" } });
// What Deno opens once and keeps is there after the first time, or when it has had nothing to do for a moment.
await soak(1);
await delay(1000);
const before = descriptors();
const grown = await soak(Number(seconds)) / MIB;
assertEquals(descriptors(), before);
console.log(`${JSON.stringify(counts)}; the memory grew by ${grown.toFixed(1)} MiB`);
assert(counts.received > 0 && counts.lost < counts.sent / 100, "too many were lost");
assert(grown < 64, "it keeps memory");
