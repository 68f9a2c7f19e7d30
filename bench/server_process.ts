import { deadline } from "@std/async/deadline";
import { AUTHORITY } from "./certificate.ts";
import { first_line } from "./first_line.ts";

/** How long a server may take to start, in ms. */
const PATIENCE = 15_000;

/** What every handler answers, with a line at least. */
const GREETING = new TextEncoder().encode("64\n");
const NEWLINE = 10;

/** What a server listens for: connections, those with TLS, or datagrams. */
export type Transport = "tcp" | "tls" | "udp";

/** A server program in a process of its own, from its start until it is disposed of. */
export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  /** Where it listens, on the loopback. */
  readonly port: number;
  /** From its start to its first reply, in ms. */
  readonly start_ms: number;
  #resources: AsyncDisposableStack;

  private constructor(
    pid: number,
    port: number,
    start_ms: number,
    resources: AsyncDisposableStack,
  ) {
    this.pid = pid;
    this.port = port;
    this.start_ms = start_ms;
    this.#resources = resources;
  }

  /**
   * Starts a server; resolves when it has answered for the first time.
   *
   * @param command The program, which prints its port, and its arguments.
   * @param transport What it listens for.
   * @throws {Error} If it ended before that, or took too long.
   */
  static async start(
    [program, ...args]: string[],
    transport: Transport,
  ): Promise<ServerProcess> {
    const started = performance.now();
    await using resources = new AsyncDisposableStack();
    const child = resources.use(
      new Deno.Command(program!, { args, stdin: "null", stdout: "piped" }).spawn(),
    );
    const port = Number(await deadline(first_line(child.stdout), PATIENCE));
    const answered = await deadline(FIRST_REPLY[transport](port), PATIENCE);
    return new ServerProcess(child.pid, port, answered - started, resources.move());
  }

  /** Ends the process; resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The load must not meet this client, which others may write to: it leaves in order before. */
async function first_line_over_tcp(port: number): Promise<number> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const answered = await first_line_back(conn);
  await conn.closeWrite();
  await new Response(conn.readable).bytes();
  return answered;
}

async function first_line_over_tls(port: number): Promise<number> {
  using conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [AUTHORITY] });
  return await first_line_back(conn);
}

async function first_line_back(conn: Deno.Conn): Promise<number> {
  await conn.write(GREETING);
  const buffer = new Uint8Array(64);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("The server closed its first connection without a reply");
    if (buffer[count - 1] === NEWLINE) break;
  }
  return performance.now();
}

/** Once its port is printed the socket is there, so that the datagram waits and need not be sent again. */
async function first_datagram_back(port: number): Promise<number> {
  using resources = new DisposableStack();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  resources.defer(() => socket.close());
  await socket.send(GREETING, { transport: "udp", hostname: "127.0.0.1", port });
  await socket.receive();
  return performance.now();
}

/** Each resolves to when the first reply was there. */
const FIRST_REPLY: Record<Transport, (port: number) => Promise<number>> = {
  tcp: first_line_over_tcp,
  tls: first_line_over_tls,
  udp: first_datagram_back,
};
