/** Servers over TLS, in each way to run handlers: what clients and handlers have of it. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";
import {
  AsyncTCPServer,
  AsyncUnixStreamServer,
  ForkingUnixStreamServer,
  StreamRequestHandler,
  type StreamSocket,
  TCPServer,
  ThreadingTCPServer,
  ThreadingUnixStreamServer,
  TlsError,
  UDPServer,
  UnixStreamServer,
} from "../../mod.ts";
import { fileURLToPath } from "node:url";
import { close_descriptor } from "../../internal/runtime/deno_internals.ts";
import { detach } from "../../server/sockets/stream_socket.ts";
import { connect_tls, file, LOCALHOST, pair, pem } from "../fixtures/certificates/certificates.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { V1 } from "../fixtures/clients/proxy_headers.ts";
import { EchoHandler } from "../fixtures/handlers/handlers.ts";
import { OriginHandler } from "../fixtures/handlers/proxy_handlers.ts";
import {
  ImpatientHandler,
  LateHandler,
  TlsHandler,
  type Told,
} from "../fixtures/handlers/tls_handlers.ts";
import { output_of } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { SharedSocket } from "../fixtures/servers/shared_socket.ts";
import type { Way } from "../fixtures/servers/tcp_servers.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import { answer, MODULE } from "../fixtures/tasks/connection_tasks.ts";
import {
  bytes_of,
  read_bytes,
  read_to_end,
  text_of,
  write_bytes,
} from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** The way with another class of its kind. */
function with_class(way: Way, Server: unknown): Way {
  return { ...way, Server: Server as typeof TCPServer };
}

/** What a handler says of the connection of a client. */
async function told_by(conn: Deno.Conn): Promise<Told> {
  using client = new LineClient(conn);
  return JSON.parse((await client.ask("tls"))!);
}

test_tls("lines over TLS, and what handlers know of it", async (way) => {
  await using server = serving(make_tls(way, TlsHandler));
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.ask("hello"), "hello");
  assertEquals(JSON.parse((await client.ask("tls"))!), {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    server_name: "localhost",
    resumed: false,
  });
  await until(() => server.info().handshakes === 1);
  assertEquals(server.info().handshakes_failed, 0);
});

test_tls("the certificate follows the name that is asked for", async (way) => {
  const sni = { "second.test": pair("second"), "*.wildcard.test": pair("wildcard") };
  await using server = serving(make_tls(way, TlsHandler, { tls: { ...LOCALHOST, sni } }));
  // The client itself checks that the certificate has the name.
  for (const hostname of ["localhost", "second.test", "a.wildcard.test", "B.Wildcard.test"]) {
    const raw = await Deno.connect(server.server_address);
    const conn = await Deno.startTls(raw, { hostname, caCerts: [pem("ca.crt")] });
    assertEquals((await told_by(conn)).server_name, hostname.toLowerCase());
  }
  for (const hostname of ["a.b.wildcard.test", "wildcard.test"]) {
    const raw = await Deno.connect(server.server_address);
    const conn = await Deno.startTls(raw, { hostname, caCerts: [pem("ca.crt")] });
    await assertRejects(() => soon(conn.handshake()), Error, "not valid for name");
    conn.close();
  }
  // An IP address is no name.
  assertEquals(
    (await told_by(await connect_tls(server.server_address, undefined, { hostname: "127.0.0.1" })))
      .server_name,
    undefined,
  );
});

test_tls("a protocol is agreed on; with none in common there is no connection", async (way) => {
  const tls = { ...LOCALHOST, alpn_protocols: ["one", "two"] };
  await using server = serving(make_tls(way, TlsHandler, { tls }));
  const { server_address: address } = server;
  const conn = await connect_tls(address, undefined, { alpnProtocols: ["three", "two"] });
  assertEquals((await told_by(conn)).alpn_protocol, "two");
  assertEquals((await told_by(await connect_tls(address))).alpn_protocol, undefined);
  await assertRejects(
    () => soon(connect_tls(address, undefined, { alpnProtocols: ["three"] })),
    Error,
    "NoApplicationProtocol",
  );
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertEquals((server.log.errors[0] as TlsError).code, "ERR_SSL_NO_APPLICATION_PROTOCOL");
});

test_tls("certificates between it and its authority are sent", async (way) => {
  await using server = serving(make_tls(way, TlsHandler, { tls: pair("chained") }));
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.ask("hello"), "hello");
});

test_tls("a client may end its output, and still gets its answer and a clean end", async (way) => {
  await using server = serving(make_tls(way, LateHandler));
  const conn = await connect_tls(server.server_address);
  await write_bytes(conn, bytes_of("hello"));
  await conn.closeWrite();
  // An end without close_notify is an error here.
  assertEquals(text_of(await read_to_end(conn)), "5 bytes\n");
  conn.close();
  await until(() => server.info().completed === 1);
  assertEquals(server.log.errors, []);
});

test_tls("who speaks no TLS is no request: it is counted, and has not failed", async (way) => {
  await using server = serving(make_tls(way, TlsHandler));
  for (const words of ["GET / HTTP/1.0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"]) {
    using conn = await Deno.connect(server.server_address);
    await write_bytes(conn, bytes_of(words));
    await or_end(read_to_end(conn));
  }
  using silent = await Deno.connect(server.server_address);
  silent.close();
  await until(() => server.info().handshakes_failed === 3);
  const { log } = server;
  const kinds = log.errors.map((error) => {
    assert(error instanceof TlsError || error instanceof Deno.errors.UnexpectedEof);
    return error instanceof TlsError ? `${error.code} ${error.phase}` : error.name;
  });
  const wrong = "ERR_SSL_WRONG_VERSION_NUMBER handshake";
  assertEquals(kinds.sort(), [wrong, wrong, "UnexpectedEof"]);
  await until(() => server.info().active === 0);
  const { accepted, completed, failed, refused, timed_out, waiting } = server.info();
  assertEquals([accepted, completed, failed, refused, timed_out, waiting], [3, 0, 0, 0, 0, 0]);
});

test_tls(
  "a handler's idle clock and the end of the server reach an idle client cleanly",
  async (way) => {
    await using impatient = serving(make_tls(way, ImpatientHandler));
    const idle = await connect_tls(impatient.server_address);
    assertEquals((await read_to_end(idle)).length, 0);
    idle.close();
    await using server = serving(make_tls(way, TlsHandler));
    using client = new LineClient(await connect_tls(server.server_address));
    await client.ask("hello");
    const { drained, aborted } = await soon(server.server_close());
    assertEquals([drained, aborted], [1, 0]);
    assertEquals(await client.line(), null);
  },
);

test_tls("a handshake that stalls does not hold up the end of the server for long", async (way) => {
  await using server = serving(make_tls(way, TlsHandler));
  using stalled = await Deno.connect({ port: server.server_address.port });
  await write_bytes(stalled, Uint8Array.of(22, 3, 1, 2, 0));
  await until(() => server.info().active === 1);
  assertEquals(await soon(server.server_close({ grace: Infinity })), { drained: 1, aborted: 0 });
  const { handshakes, handshakes_failed, failed } = server.info();
  assertEquals([handshakes, handshakes_failed, failed], [0, 1, 0]);
});

test_tls("a client that reads nothing is cut at the deadline of the server", async (way) => {
  await using server = serving(make_tls(way, TlsHandler));
  using conn = await connect_tls(server.server_address);
  await write_bytes(conn, bytes_of("flood\n"));
  assertEquals((await read_bytes(conn, 1)).length, 1);
  assertEquals(await soon(server.server_close({ grace: 200 })), { drained: 0, aborted: 1 });
});

test_tls("request_timeout begins after the handshake, and cuts", async (way) => {
  await using server = serving(
    make_tls(way, TlsHandler, { request_timeout: 300, max_children: 2 }),
  );
  using raw = await Deno.connect(server.server_address);
  // It has no clock yet: its handshake may take for ever here.
  using slow = way.concurrent ? await Deno.connect(server.server_address) : undefined;
  raw.close();
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.ask("hello"), "hello");
  await or_end(client.line());
  await until(() => server.info().timed_out === 1);
  assertEquals(server.info().timed_out, 1);
  slow?.close();
});

test_tls("TLS comes behind the header of a proxy", async (way) => {
  const behind = {
    proxy_protocol: "required",
    trusted_proxies: ["*"],
    proxy_timeout: Infinity,
  } as const;
  await using server = serving(make_tls(way, OriginHandler, behind));
  const raw = await Deno.connect(server.server_address);
  await write_bytes(raw, V1);
  const conn = await Deno.startTls(raw, { hostname: "localhost", caCerts: [pem("ca.crt")] });
  using client = new LineClient(conn);
  const { line, proxy } = JSON.parse((await client.ask("hello"))!);
  assertEquals([line, proxy.version, proxy.command], ["hello", 1, "PROXY"]);
});

test_tls("TLS on a socket that was there", async (way) => {
  await using shared = await SharedSocket.listen();
  await using server = serving(make_tls(way, TlsHandler, { inherit: shared.descriptor() }));
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.ask("hello"), "hello");
});

/** Gives its connection to a thread. */
class GivingHandler extends StreamRequestHandler {
  static threads: ThreadPoolExecutor;

  override async handle(): Promise<void> {
    await GivingHandler.threads.submit(answer, this.request);
  }
}

Deno.test("AsyncTCPServer: a connection over TLS that is given to a thread stays over TLS", async () => {
  await using threads = new ThreadPoolExecutor(1, { module: MODULE });
  GivingHandler.threads = threads;
  await using server = serving(
    new AsyncTCPServer(["127.0.0.1", 0], GivingHandler, { tls: LOCALHOST }),
  );
  using client = new LineClient(await connect_tls(server.server_address));
  assertStringIncludes((await client.ask("hello"))!, "HELLO");
  assertStringIncludes((await client.ask("again"))!, "AGAIN");
});

test_tls("nothing is read or written without TLS by a hook of the server", async (way) => {
  class Server extends way.Server {
    override async verify_request(request: StreamSocket<Deno.NetAddr>): Promise<boolean> {
      return text_of(await request.recv(3)) === "yes";
    }
  }
  await using server = serving(make_tls(with_class(way, Server), TlsHandler));
  {
    using client = new LineClient(await connect_tls(server.server_address));
    await client.send("yes");
    assertEquals(await client.line(), "");
    assertEquals(await client.ask("hello"), "hello");
  }
  using plain = await Deno.connect(server.server_address);
  await write_bytes(plain, bytes_of("yes\n"));
  // No more than an alert.
  assertEquals((await or_end(read_to_end(plain)))?.includes(bytes_of("yes")[0]!) ?? false, false);
  await until(() => server.info().failed === 1);
});

test_tls("a client that is turned away gets the reason over TLS", async (way) => {
  if (!way.concurrent) return;
  class Server extends way.Server {
    override async handle_overflow(request: StreamSocket<Deno.NetAddr>): Promise<void> {
      await request.sendall(bytes_of("busy\n"));
    }
  }
  const options = { max_requests: 1, overflow: "refuse" } as const;
  await using server = serving(make_tls(with_class(way, Server), TlsHandler, options));
  using client = new LineClient(await connect_tls(server.server_address));
  await client.ask("hello");
  using second = new LineClient(await connect_tls(server.server_address));
  assertEquals(await second.line(), "busy");
  assertEquals(await second.line(), null);
});

for (
  const Server of [
    UnixStreamServer,
    AsyncUnixStreamServer,
    ThreadingUnixStreamServer,
    ForkingUnixStreamServer,
  ]
) {
  Deno.test(`${Server.name}: lines over TLS`, async () => {
    await using folder = await TempFolder.make();
    const options = { tls: LOCALHOST, max_workers: 1, max_children: 1 };
    await using server = serving(new Server(folder.join("tls.sock"), TlsHandler, options));
    const raw = await Deno.connect(server.server_address);
    // Deno's own client of TLS wants a connection of TCP.
    const { connect } = await import("node:tls");
    const { connect: open } = await import("node:net");
    raw.close();
    const socket = open({ path: server.server_address.path });
    const client = connect({ socket, ca: pem("ca.crt"), servername: "localhost" });
    const said = Promise.withResolvers<string>();
    client.on("data", (data) => said.resolve(String(data)));
    client.on("error", said.reject);
    client.write("hello\n");
    assertEquals(await soon(said.promise), "hello\n");
    const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
    client.end();
    await soon(closed);
  });
}

Deno.test("a server that cannot speak TLS, or not so, is refused with the reason", () => {
  const here = ["127.0.0.1", 0] as [string, number];
  const tls = LOCALHOST;
  assertThrows(
    () => new UDPServer(here, TlsHandler, { tls }),
    Deno.errors.NotSupported,
    "only servers of connections",
  );
  assertThrows(
    () => new AsyncTCPServer(here, TlsHandler, { tls, allow_reuse_port: true }),
    Deno.errors.NotSupported,
    "allow_reuse_port",
  );
});

Deno.test("a server whose TLS is a field is refused: it would be bound without", async () => {
  class Server extends TCPServer {
    override tls = LOCALHOST;
  }
  await using server = new Server(["127.0.0.1", 0], TlsHandler);
  await assertRejects(() => server.serve_forever(), TypeError, "make it static");
});

Deno.test("ThreadingTCPServer: a worker has no key by which it could speak for the server", async () => {
  class Server extends ThreadingTCPServer {
    static override tls = { cert: pem("localhost.crt"), key: pem("localhost.key") };
  }
  await using server = new Server(["127.0.0.1", 0], TlsHandler, { max_workers: 1 });
  const { image_of_server } = await import("../../server/pooled/server_image.ts");
  const image = image_of_server(server, [], structuredClone);
  assertEquals("tls" in image.properties || "tls" in image.statics, false);
});

Deno.test("AsyncTCPServer: TLS needs no permission but for its port and its files", async () => {
  const program = fileURLToPath(
    new URL("../fixtures/programs/tls_permissions.ts", import.meta.url),
  );
  const files = ["localhost.crt", "localhost.key", "ca.crt"].map((name) =>
    fileURLToPath(file(name))
  );
  const flags = ["--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${files}`];
  const printed = await output_of(Deno.execPath(), ["run", ...flags, program, pem("ca.crt")]);
  assertEquals(printed, "hello\n");
});

for (const tls of [LOCALHOST, null]) {
  Deno.test(`ThreadingTCPServer: connections ${tls ? "" : "without TLS do not "}have TCP_NODELAY before the handshake`, async () => {
    // This handler does not ask for it.
    await using server = new ThreadingTCPServer(["127.0.0.1", 0], EchoHandler, { tls });
    using _client = await Deno.connect({ port: server.server_address.port });
    const [request] = await soon(Promise.resolve(server.get_request()));
    const { fd, no_delay } = detach(request)!;
    await close_descriptor(fd);
    assertEquals(no_delay, tls !== null);
  });
}
