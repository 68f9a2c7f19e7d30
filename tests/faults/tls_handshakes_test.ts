/** Handshakes of TLS that stall, break off and lie: nobody else notices. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { AsyncTCPServer, ThreadingTCPServer, type TlsError } from "../../mod.ts";
import { connect_tls, LOCALHOST, pem } from "../fixtures/certificates/certificates.ts";
import { client_hello } from "../fixtures/clients/client_hello.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { NotingTlsHandler, TlsHandler } from "../fixtures/handlers/tls_handlers.ts";
import { LimitedProcess } from "../fixtures/programs/limited_process.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make_tls, test_tls, test_tls_at_same_time } from "../fixtures/servers/tls_servers.ts";
import { read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const ignore = Deno.build.os !== "linux";

for (const name of ["AsyncTCPServer", "ThreadingTCPServer"]) {
  Deno.test({
    name:
      `${name}: 1,000 handshakes stall: a good client is served, and at the clock they are gone`,
    ignore,
    async fn() {
      const file = "tests/fixtures/programs/stalled_handshakes.ts";
      await using program = new Program("run", "-A", "--no-check", file, name);
      await program.ends_well();
    },
  });
}

test_tls("one byte now and then ends at handshake_timeout", async (way) => {
  await using server = serving(make_tls(way, TlsHandler, { handshake_timeout: 300 }));
  const hello = await client_hello();
  using conn = await Deno.connect({ port: server.server_address.port });
  const ended = or_end(read_to_end(conn));
  for (const byte of hello.subarray(0, -1)) {
    if (server.info().handshakes_failed === 1) break;
    await or_end(write_bytes(conn, Uint8Array.of(byte)));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ended;
  await until(() => server.log.errors.length === 1);
  const [error] = server.log.errors as [TlsError];
  assertEquals([error.name, error.code, error.phase], [
    "TlsError",
    "ERR_TLS_HANDSHAKE_TIMEOUT",
    "handshake",
  ]);
});

for (const Server of [AsyncTCPServer, ThreadingTCPServer]) {
  Deno.test(`${Server.name}: a ClientHello that is cut anywhere harms nobody`, async () => {
    const settings = { tls: LOCALHOST, max_workers: 1 };
    await using server = serving(new Server(["127.0.0.1", 0], TlsHandler, settings));
    const { server_address: address } = server;
    const hello = await client_hello();
    await Promise.all(Array.from(hello, async (_byte, length) => {
      using conn = await Deno.connect({ port: address.port });
      await write_bytes(conn, hello.subarray(0, length));
      await conn.closeWrite();
      await or_end(read_to_end(conn));
    }));
    await until(() => server.info().handshakes_failed === hello.length);
    using client = new LineClient(await connect_tls(address));
    assertEquals(await client.ask("hello"), "hello");
  });
}

Deno.test({
  name: "2,000 clients that speak no TLS: nothing is printed, and the memory stays",
  ignore,
  async fn() {
    // A process of its own: here other tests take memory at the same time.
    await using program = new Program("run", "-A", "tests/fixtures/programs/noise_at_tls.ts");
    assert(Number(await program.line()) < 64 * 1_048_576);
    assertEquals(await program.line(), "2000");
    await program.ends_well();
  },
});

test_tls_at_same_time("garbage after the handshake: the handler's read rejects", async (way) => {
  await using server = serving(make_tls(way, NotingTlsHandler));
  const raw = net.connect(server.server_address.port, "127.0.0.1");
  const client = tls.connect({ socket: raw, ca: pem("ca.crt"), servername: "localhost" });
  for (const socket of [raw, client]) socket.on("error", () => {});
  await soon(once(client, "secureConnect"));
  await until(() => server.log.entries.length === 1);
  raw.write("this is no record of TLS, and much longer than its head");
  await until(() => server.log.entries.length === 2);
  assertEquals(server.log.entries[1], "TlsError record");
  await until(() => server.info().active === 0);
  for (const socket of [raw, client]) socket.destroy();
});

test_tls_at_same_time("a reset right after the handshake harms nobody", async (way) => {
  await using server = serving(make_tls(way, TlsHandler, { max_children: 3 }));
  for (let count = 0; count < 20; count++) {
    const raw = net.connect(server.server_address.port, "127.0.0.1");
    const client = tls.connect({ socket: raw, ca: pem("ca.crt"), servername: "localhost" });
    for (const socket of [raw, client]) socket.on("error", () => {});
    await soon(once(client, "secureConnect"));
    raw.resetAndDestroy();
    client.destroy();
  }
  using client = new LineClient(await connect_tls(server.server_address));
  assertEquals(await client.ask("hello"), "hello");
  await until(() => server.info().active === 1);
});

/** Ends its worker when it is told to. */
export class DyingHandler extends TlsHandler {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    await this.rfile.readline();
    setTimeout(() => {
      throw new RangeError("died");
    });
    await new Promise(() => {});
  }
}

for (const name of ["ThreadingTCPServer"]) {
  Deno.test(`${name}: a worker that ends in the middle of a handshake`, async () => {
    const way = { name, Server: ThreadingTCPServer, concurrent: true, workers: true, relay: false };
    await using server = serving(make_tls(way, DyingHandler));
    const { server_address: address } = server;
    using stalled = await Deno.connect({ port: address.port });
    await write_bytes(stalled, Uint8Array.of(22, 3, 1, 2, 0));
    using client = new LineClient(await connect_tls(address));
    await until(() => server.info().active === 2);
    await client.send("die");
    assertEquals((await or_end(read_to_end(stalled)))?.length ?? 0, 0);
    await until(() => server.info().active === 0);
    const { handshakes, handshakes_failed, completed, failed } = server.info();
    assertEquals([handshakes, handshakes_failed, completed, failed], [1, 1, 0, 1]);
    (await connect_tls(address)).close();
  });
}

Deno.test({
  name: "AsyncTCPServer without descriptors: start_tls() says so, and the connection goes on",
  ignore,
  async fn() {
    for (const name of ["AsyncTCPServer", "ThreadingTCPServer"]) {
      await using server = await LimitedProcess.start(name);
      using client = await server.connect();
      assertEquals(await client.ask("hello"), "HELLO");
      await client.ask("fill 0");
      assertEquals(await client.ask("tls"), "EMFILE");
      assertEquals(await client.ask("hello"), "HELLO");
      await client.ask("free");
      await client.send("tls");
      const conn = await Deno.startTls(client.conn, {
        hostname: "localhost",
        caCerts: [pem("ca.crt")],
      });
      using secured = new LineClient(conn);
      assertStringIncludes((await secured.line())!, "TLSv1.3");
      assertEquals(await secured.ask("hello"), "HELLO");
    }
  },
});
