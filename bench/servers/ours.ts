/**
 * The servers of this library. Prints its port, then serves until it is ended.
 *
 * ```sh
 * deno run --allow-net --allow-read bench/servers/ours.ts ThreadingTCPServer echo 0 --workers 2
 * deno run --allow-net --unstable-net bench/servers/ours.ts UDPServer packet 0
 * deno run --allow-net --allow-ffi bench/servers/ours.ts UDPServer packet 0 --native
 * ```
 *
 * With `--tls PATH` the certificate is `PATH.crt`, and its key `PATH.key`.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "@std/cli/parse-args";
import {
  AsyncTCPServer,
  AsyncUDPServer,
  BaseRequestHandler,
  type BaseServer,
  type BufferedWriter,
  type DatagramRequest,
  DatagramRequestHandler,
  type RequestHandlerConstructor,
  StreamRequestHandler,
  type TCPServer,
  ThreadingTCPServer,
  ThreadingUDPServer,
  type TlsOptions,
  UDPServer,
} from "../../mod.ts";
import { BULK } from "./bulk.ts";
import { compute, SHORT } from "./compute.ts";
import { COPIES } from "./copies.ts";

/** What one read of an echo takes at the most, in bytes: the same in all servers. */
const READ_SIZE = 65_536;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const NEWLINE = 10;

/** Sends back what comes. */
export class EchoHandler extends BaseRequestHandler {
  override async handle(): Promise<void> {
    const buffer = new Uint8Array(READ_SIZE);
    for (;;) {
      const count = await this.request.read(buffer);
      if (count === null) break;
      await this.request.write(buffer.subarray(0, count));
    }
  }
}

/** Answers each line in upper case. */
export class LinesHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      await this.wfile.write(DECODER.decode(line).toUpperCase());
    }
  }
}

/** Tells each line to all clients, many times. */
export class FanoutHandler extends StreamRequestHandler {
  static members: Set<BufferedWriter> = new Set();

  override async handle(): Promise<void> {
    const { members } = FanoutHandler;
    members.add(this.wfile);
    try {
      await this.wfile.write("ready\n");
      for await (const line of this.rfile) {
        for (let copy = 0; copy < COPIES; copy++) {
          for (const member of members) await member.write(line);
        }
      }
    } finally {
      members.delete(this.wfile);
    }
  }
}

/** The same, but what is written in a turn of the event loop goes together. */
export class CollectedFanoutHandler extends FanoutHandler {
  static override wbufsize = -1;
}

/** The same as `LinesHandler`, but the replies to lines that came at once go together. */
export class CollectedLinesHandler extends LinesHandler {
  static override wbufsize = -1;
}

/** Answers each line with a number that it computes. */
export class ComputeHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const _line of this.rfile) await this.wfile.write(`${compute()}\n`);
  }
}

/** Answers the line "heavy" as `ComputeHandler` does, others as `LinesHandler` does. */
export class MixedHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      const text = DECODER.decode(line);
      await this.wfile.write(text === "heavy\n" ? `${compute()}\n` : text.toUpperCase());
    }
  }
}

/** Answers a number with as many bytes. It comes in one piece, short as it is. */
export class BulkOutHandler extends BaseRequestHandler {
  override async handle(): Promise<void> {
    for (;;) {
      const line = await this.request.recv(READ_SIZE);
      if (line.length === 0) break;
      let left = Number(DECODER.decode(line));
      for (; left > 0; left -= BULK.length) await this.request.sendall(BULK.subarray(0, left));
    }
  }
}

/** Answers a line of any length with that length. */
export class BulkInHandler extends BaseRequestHandler {
  override async handle(): Promise<void> {
    for (let length = 0;;) {
      const data = await this.request.recv(READ_SIZE);
      if (data.length === 0) break;
      length += data.length;
      if (data.at(-1) !== NEWLINE) continue;
      await this.request.sendall(ENCODER.encode(`${length}\n`));
      length = 0;
    }
  }
}

/** Sends back what comes, as the reply that is sent at the end. */
export class PacketHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

/** Sends back what comes, itself. */
export class SendtoHandler extends BaseRequestHandler<BaseServer, DatagramRequest> {
  override async handle(): Promise<void> {
    const [packet, socket] = this.request;
    await socket.sendto(packet, this.client_address);
  }
}

/** Sends back what comes, when it has computed for some 50 us. */
export class BusyPacketHandler extends PacketHandler {
  override async handle(): Promise<void> {
    compute(SHORT);
    await super.handle();
  }
}

const SERVERS: Record<string, typeof TCPServer<Deno.NetAddr> | typeof UDPServer<Deno.NetAddr>> = {
  AsyncTCPServer,
  ThreadingTCPServer,
  UDPServer,
  AsyncUDPServer,
  ThreadingUDPServer,
};
const HANDLERS: Record<string, RequestHandlerConstructor> = {
  echo: EchoHandler,
  lines: LinesHandler,
  fanout: FanoutHandler,
  compute: ComputeHandler,
  mixed: MixedHandler,
  bulk_out: BulkOutHandler,
  bulk_in: BulkInHandler,
  packet: PacketHandler,
  sendto: SendtoHandler,
  busy_packet: BusyPacketHandler,
};
/** Those with `--collect`. */
const COLLECTING: Record<string, RequestHandlerConstructor> = {
  lines: CollectedLinesHandler,
  fanout: CollectedFanoutHandler,
};

/** The certificate at a path, and its key. */
function pair_at(path: string): TlsOptions {
  return { cert: pathToFileURL(`${path}.crt`), key: pathToFileURL(`${path}.key`) };
}

async function main(args: string[]): Promise<void> {
  const { workers, requests, collect, native, tls, _: [server_name, handler_name, port] } =
    parseArgs(
      args,
      {
        string: ["workers", "requests", "tls"],
        boolean: ["collect", "native"],
      },
    );
  const Base = SERVERS[String(server_name)];
  const Server = native ? await native_of(Base as typeof UDPServer) : Base;
  const Handler = (collect ? COLLECTING : HANDLERS)[String(handler_name)];
  if (!Server || !Handler) {
    throw new TypeError(
      `Cannot serve ${handler_name} with ${server_name}: ` +
        `give one of ${Object.keys(SERVERS)}, and one of ${Object.keys(HANDLERS)}`,
    );
  }
  await using server = new Server(["127.0.0.1", Number(port)], Handler, {
    ...(workers !== undefined && { max_workers: Number(workers) }),
    ...(requests !== undefined && { max_requests_per_worker: Number(requests) }),
    ...(tls !== undefined && { tls: pair_at(tls) }),
  });
  console.log(server.server_address.port);
  await server.serve_forever();
}

/** Loaded here, so that others start without it. */
async function native_of(Base: typeof UDPServer): Promise<typeof UDPServer> {
  const { NativeMixIn } = await import("../../packages/native/mod.ts");
  return NativeMixIn(Base);
}

if (import.meta.main) await main(Deno.args);
