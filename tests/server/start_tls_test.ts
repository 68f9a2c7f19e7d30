/** `start_tls()`: TLS on a connection that has begun without. */
import { assertEquals, assertRejects } from "@std/assert";
import net from "node:net";
import tls from "node:tls";
import {
  AsyncTCPServer,
  AsyncUnixStreamServer,
  fake_request,
  StreamRequestHandler,
  StreamSocket,
  ThreadingUnixStreamServer,
  UnixStreamServer,
} from "../../mod.ts";
import { connect_tls, LOCALHOST, pem, upgrade } from "../fixtures/certificates/certificates.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { StartTlsHandler, TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import type { Way } from "../fixtures/servers/tcp_servers.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import {
  bytes_of,
  read_bytes,
  read_to_end,
  text_of,
  write_bytes,
} from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";

/** A server whose clients begin without TLS. */
function make_plain(way: Way, options = {}) {
  return make_tls(way, StartTlsHandler, { tls: null, ...options });
}

const GREETING = "220 ready\r\n";
const AHEAD = "220 go ahead\r\n";

/** Connects, is greeted, and wishes for TLS: `behind` is sent with the wish. */
async function wish(address: Deno.NetAddr, word = "STARTTLS", behind: Uint8Array = bytes_of("")) {
  const conn = await soon(Deno.connect({ port: address.port }));
  assertEquals(text_of(await read_bytes(conn, GREETING.length)), GREETING);
  await write_bytes(conn, Uint8Array.of(...bytes_of(`${word}\r\n`), ...behind));
  return conn;
}

/** Is told to go ahead. */
async function go_ahead(conn: Deno.TcpConn): Promise<Deno.TlsConn> {
  assertEquals(text_of(await read_bytes(conn, AHEAD.length)), AHEAD);
  return await upgrade(conn);
}

for (const word of ["STARTTLS", "SOCKET"]) {
  test_tls(`start_tls() goes on with TLS, ${word}`, async (way) => {
    await using server = serving(make_plain(way));
    using client = new LineClient(await go_ahead(await wish(server.server_address, word)));
    assertEquals(await client.ask("hello"), "250 hello TLSv1.3");
    assertEquals(await client.ask("again"), "250 again TLSv1.3");
    // There is TLS on it already.
    assertEquals(await client.ask("STARTTLS"), AHEAD.trimEnd());
    assertEquals(await client.line(), "500 BadResource");
    assertEquals(await client.ask("hello"), "250 hello TLSv1.3");
    const { handshakes, handshakes_failed } = server.info();
    assertEquals([handshakes, handshakes_failed], [1, 0]);
  });
}

Deno.test("start_tls() keeps the timeout that was set before", async () => {
  class BriefHandler extends StreamRequestHandler {
    override async handle(): Promise<void> {
      await this.wfile.write(GREETING);
      await this.rfile.readline();
      this.request.settimeout(200);
      await this.wfile.write(AHEAD);
      await this.start_tls(LOCALHOST);
      const late = await this.rfile.readline().catch((error) => error);
      await this.wfile.write(`421 ${late.name}\r\n`);
    }
  }
  await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], BriefHandler));
  using client = new LineClient(await go_ahead(await wish(server.server_address)));
  assertEquals(await client.line(), "421 TimedOut");
});

test_tls("start_tls() takes a handshake that came with the wish", async (way) => {
  await using server = serving(make_plain(way));
  for (const word of ["STARTTLS", "SOCKET"]) {
    const conn = await soon(Deno.connect(server.server_address));
    assertEquals(text_of(await read_bytes(conn, GREETING.length)), GREETING);
    await using early = await Early.start(conn, `${word}\r\n`);
    assertEquals(await early.ask("hello\n"), "250 hello TLSv1.3\r\n");
  }
});

test_tls("what is sent in plain behind the wish never reaches the handler", async (way) => {
  await using server = serving(make_plain(way));
  for (const word of ["STARTTLS", "SOCKET"]) {
    using conn = await wish(server.server_address, word, bytes_of("MAIL FROM:<evil>\r\n"));
    // No more than an alert follows.
    const rest = await or_end(read_to_end(conn));
    assertEquals(rest === null || rest.length < 40, true);
  }
  await until(() => server.info().active === 0);
  assertEquals(server.log.entries.filter((entry) => entry.startsWith("MAIL")), []);
  assertEquals(server.info().handshakes_failed, 2);
});

test_ways_at_once("start_tls() while a read waits is Busy", ({ relay }) => !relay, async (way) => {
  await using server = serving(make_plain(way));
  using client = new LineClient(await wish(server.server_address, "BUSY"));
  assertEquals(await client.line(), AHEAD.trimEnd());
  assertEquals(await client.line(), "500 Busy");
  assertEquals(await client.ask("this"), "this");
  assertEquals(await client.ask("hello"), "250 hello undefined");
});

test_ways_at_once(
  "start_tls() over a relay is not supported",
  ({ relay }) => relay,
  async (way) => {
    await using server = serving(make_plain(way));
    using client = new LineClient(await wish(server.server_address));
    assertEquals(await client.line(), AHEAD.trimEnd());
    assertEquals(await client.line(), "500 NotSupported");
    assertEquals(await client.ask("hello"), "250 hello undefined");
  },
);

test_tls("start_tls() on a server that speaks TLS is BadResource", async (way) => {
  await using server = serving(make_tls(way, StartTlsHandler));
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.line(), GREETING.trimEnd());
  assertEquals(await client.ask("STARTTLS"), AHEAD.trimEnd());
  assertEquals(await client.line(), "500 BadResource");
  assertEquals(await client.ask("hello"), "250 hello TLSv1.3");
});

test_tls("start_tls() that waits for too long ends the connection", async (way) => {
  await using server = serving(make_plain(way, { handshake_timeout: 100 }));
  using conn = await wish(server.server_address);
  assertEquals(text_of(await or_end(read_to_end(conn)) ?? bytes_of(AHEAD)), AHEAD);
  await until(() => server.info().failed === 1);
  assertEquals(server.info().handshakes_failed, 1);
});

test_tls("start_tls() asks for the certificate of the client", async (way) => {
  await using server = serving(make_plain(way));
  const conn = await wish(server.server_address, "CERTIFICATE");
  const secured = await or_end(go_ahead(conn));
  if (secured) {
    using client = new LineClient(secured);
    assertEquals(await or_end(client.ask("hello")), null);
  }
  await until(() => server.info().handshakes_failed === 1);
  assertEquals(server.log.entries.includes("hello"), false);
});

test_tls("a handler may end while its TLS begins", async (way) => {
  await using server = serving(make_plain(way));
  const conn = await wish(server.server_address, "LOST");
  await or_end(read_to_end(conn));
  conn.close();
  await until(() => server.info().completed === 1);
  // What a worker has said of the handshake comes before this.
  using client = new LineClient(await go_ahead(await wish(server.server_address)));
  assertEquals(await client.ask("hello"), "250 hello TLSv1.3");
  assertEquals(server.log.errors, []);
});

test_tls("what is written while TLS begins waits for it, and fails with it", async (way) => {
  await using server = serving(make_plain(way));
  const conn = await wish(server.server_address, "EARLY");
  const secured = await or_end(go_ahead(conn));
  if (secured) {
    using client = new LineClient(secured);
    assertEquals(await or_end(client.line()) ?? "", "");
  }
  const early = () => server.log.entries.filter((entry) => entry.startsWith("early"));
  await until(() => early().length === 2);
  assertEquals(early(), ["early TlsError", "early TlsError"]);
});

for (const Server of [UnixStreamServer, AsyncUnixStreamServer, ThreadingUnixStreamServer]) {
  Deno.test(`${Server.name}: start_tls() goes on with TLS`, async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("mail.sock");
    const server = new (Noting(Server as typeof AsyncUnixStreamServer))(path, StartTlsHandler);
    await using _server = serving(server);
    // Deno's own client of TLS wants a connection of TCP.
    const plain = net.connect({ path });
    assertEquals(await next_text(plain), GREETING);
    plain.write("STARTTLS\r\n");
    assertEquals(await next_text(plain), AHEAD);
    const client = tls.connect({ socket: plain, ca: pem("ca.crt"), servername: "localhost" });
    client.write("hello\r\n");
    assertEquals(await next_text(client), "250 hello TLSv1.3\r\n");
    const closed = new Promise((resolve) => client.on("close", resolve));
    client.end();
    await soon(closed);
  });
}

/** What comes next on a connection of Node's, as text. */
async function next_text(conn: net.Socket): Promise<string> {
  return String(await soon(new Promise((resolve) => conn.once("data", resolve))));
}

Deno.test("start_tls() over a Unix socket of Deno's own is not supported", async () => {
  await using folder = await TempFolder.make();
  const address = { transport: "unix", path: folder.join("deno.sock") } as const;
  using listener = Deno.listen(address);
  const connecting = Deno.connect(address);
  using socket = new StreamSocket(await listener.accept());
  using _client = await connecting;
  await assertRejects(() => socket.start_tls(LOCALHOST), Deno.errors.NotSupported, "Unix socket");
});

Deno.test("start_tls() of a connection in memory, and of one that is closed", async () => {
  const request = fake_request("hello\n");
  await assertRejects(() => request.start_tls(LOCALHOST), Deno.errors.NotSupported);
  // What was to be read is still there.
  assertEquals(text_of(await request.recv(100)), "hello\n");
  request.close();
  await assertRejects(() => request.start_tls(LOCALHOST), Deno.errors.BadResource);
});

Deno.test("start_tls() refuses options that make no sense, and the connection goes on", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ port: listener.addr.port });
  using socket = new StreamSocket(await listener.accept());
  using _client = await connecting;
  await assertRejects(() => socket.start_tls({}), TypeError, "it must have cert and key");
  await socket.sendall(bytes_of("hello\n"));
});

Deno.test("start_tls() of a connection whose output is closed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ port: listener.addr.port });
  using socket = new StreamSocket(await listener.accept());
  using _client = await connecting;
  await socket.closeWrite();
  await assertRejects(() => socket.start_tls(LOCALHOST), Deno.errors.BrokenPipe);
});

Deno.test("a write over TLS that is cut short by close() is Interrupted", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ port: listener.addr.port });
  const socket = new StreamSocket(await listener.accept());
  const starting = socket.start_tls(LOCALHOST);
  using _client = await upgrade(await connecting);
  await soon(starting);
  const writing = socket.write(new Uint8Array(50_000_000));
  // It is under way, and nobody reads.
  await turn();
  socket.close();
  await assertRejects(() => soon(writing), Deno.errors.Interrupted);
});

Deno.test("start_tls() of a connection of the program's own", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ port: listener.addr.port });
  const handler = new TlsHandler(
    new StreamSocket<Deno.Addr>(await listener.accept()),
    listener.addr,
    {} as never,
  );
  const starting = handler.request.start_tls(LOCALHOST);
  using client = new LineClient(await upgrade(await connecting));
  await soon(starting);
  const running = handler.run();
  assertEquals(await client.ask("hello"), "hello");
  await client.conn.closeWrite();
  await soon(running);
  handler.request.close();
});

/** A client that sends its ClientHello with its wish for TLS, as fast ones do. */
class Early implements AsyncDisposable {
  #socket: import("node:tls").TLSSocket;
  #lines: string[] = [];
  #came = () => {};

  private constructor(socket: import("node:tls").TLSSocket) {
    this.#socket = socket;
    socket.on("data", (data: Uint8Array) => {
      this.#lines.push(text_of(data));
      this.#came();
    });
  }

  static async start(conn: Deno.TcpConn, words: string): Promise<Early> {
    const { connect } = await import("node:tls");
    const { Duplex } = await import("node:stream");
    const buffer = new Uint8Array(65_536);
    let is_first = true;
    let skip = AHEAD.length;
    const duplex = new Duplex({
      async read() {
        const count = await conn.read(buffer).catch(() => null);
        if (count === null) return void this.push(null);
        const bytes = buffer.slice(0, count);
        // What is said in plain comes before the server's part of the handshake.
        this.push(bytes.subarray(Math.min(skip, count)));
        skip -= Math.min(skip, count);
      },
      async write(chunk, _encoding, done) {
        const bytes = is_first ? Uint8Array.of(...bytes_of(words), ...chunk) : chunk;
        is_first = false;
        await write_bytes(conn, bytes);
        done();
      },
    });
    const caCerts = Deno.readTextFileSync(
      new URL("../fixtures/certificates/ca.crt", import.meta.url),
    );
    const socket = connect({ socket: duplex, ca: caCerts, servername: "localhost" });
    const early = new Early(socket);
    early.#conn = conn;
    await soon(
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", () => resolve()).once("error", reject);
      }),
    );
    return early;
  }

  #conn: Deno.TcpConn | undefined;

  async ask(line: string): Promise<string> {
    this.#socket.write(line);
    while (this.#lines.length === 0) {
      await soon(new Promise<void>((resolve) => this.#came = resolve));
    }
    return this.#lines.shift()!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    this.#conn?.close();
    return Promise.resolve();
  }
}
