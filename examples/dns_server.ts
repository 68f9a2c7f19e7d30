/**
 * A DNS server for the names of a zone file, over UDP and TCP. Ctrl-C ends it. The flag
 * `--unstable-net` makes UDP faster; it also runs without. It is no public server: those who flood
 * others through it are not slowed down.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=examples --unstable-net examples/dns_server.ts \
 *   --port 5353 --zone examples/zone.txt
 * dig @127.0.0.1 -p 5353 example.test A
 * dig @127.0.0.1 -p 5353 +tcp long.example.test TXT
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import {
  AsyncTCPServer,
  DatagramRequestHandler,
  type Remote,
  StreamRequestHandler,
  UDPServer,
} from "../mod.ts";
import * as dns from "./dns_message.ts";
import { look_up, parse_zone, type Zone } from "./dns_zone.ts";
import { BRIEF } from "./limits.ts";

/** Over UDP a reply is at most so many times as long as its query: whose address that has is unproven. */
const MAX_GAIN = 4;

/** The reply to a message; `undefined` if there should be none. */
function answer(zone: Zone, message: Uint8Array, over_udp: boolean): Uint8Array | undefined {
  const header = dns.read_header(message);
  if (!header) return undefined;
  if (header.opcode !== 0) return dns.write_reply(header, { rcode: dns.RCODE.NOTIMP });
  try {
    const query = dns.read_query(message, header);
    const max_size = over_udp
      ? Math.min(dns.datagram_size(query), MAX_GAIN * message.length)
      : 65_535;
    return dns.write_reply(query, look_up(zone, query, over_udp), max_size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return dns.write_reply(header, { rcode: dns.RCODE.FORMERR });
  }
}

/** The zone, unless there is another one. */
function usual_zone(): Zone {
  return parse_zone(Deno.readTextFileSync(new URL("zone.txt", import.meta.url)));
}

/** Has the zone, wherever its handlers run. */
export class UDPNameServer extends UDPServer {
  zone: Zone | undefined;

  answer(message: Uint8Array): Uint8Array | undefined {
    return answer(this.zone ??= usual_zone(), message, true);
  }
}

/** The same for connections. */
export class TCPNameServer extends AsyncTCPServer {
  zone: Zone | undefined;

  answer(message: Uint8Array): Uint8Array | undefined {
    return answer(this.zone ??= usual_zone(), message, false);
  }
}

/** Answers a query. */
export class DatagramHandler extends DatagramRequestHandler<Remote<UDPNameServer>> {
  override async handle(): Promise<void> {
    const reply = await this.server.answer(this.packet);
    if (reply) await this.wfile.write(reply);
  }
}

/** Answers the queries of a connection. Each has its length before it, and so have the replies. */
export class StreamHandler extends StreamRequestHandler<Remote<TCPNameServer>> {
  static override timeout = 10_000;
  static override read_deadline = 10_000;
  static override wbufsize = 65_536;

  override async handle(): Promise<void> {
    try {
      while (await this.#answer());
    } catch (error) {
      // A silent client may come again.
      if (!(error instanceof Deno.errors.TimedOut)) throw error;
    }
  }

  async #answer(): Promise<boolean> {
    const [high, low] = await this.rfile.read(2);
    if (high === undefined || low === undefined) return false;
    const message = await this.rfile.readexactly(high << 8 | low);
    const reply = await this.server.answer(message);
    if (!reply) return false;
    await this.wfile.write(Uint8Array.of(reply.length >> 8, reply.length));
    await this.wfile.write(reply);
    return true;
  }
}

if (import.meta.main) {
  const { port, zone: path } = parseArgs(Deno.args, {
    string: ["port", "zone"],
    default: { port: "5353", zone: "examples/zone.txt" },
  });
  const zone = parse_zone(await Deno.readTextFile(path));
  await using tcp = new TCPNameServer(["127.0.0.1", Number(port)], StreamHandler, BRIEF);
  await using udp = new UDPNameServer(tcp.server_address, DatagramHandler);
  udp.zone = tcp.zone = zone;
  const stop_on: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  const serving = [udp, tcp].map((server) => server.serve_forever({ stop_on }));
  console.log(`Serving on 127.0.0.1:${tcp.server_address.port}; Ctrl-C ends it`);
  await Promise.all(serving);
}
