/** How stream handlers read and write. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AsyncTCPServer,
  BufferedWriter,
  StreamRequestHandler,
  StreamSocket,
  TCPServer,
  ThreadingTCPServer,
} from "../../mod.ts";
import { pattern, read_bytes, same_bytes, write_bytes } from "../fixtures/tools/bytes.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { ask_stream, connect } from "./echo_clients.ts";
import { EchoAllHandler, ForgivingHandler, ImpatientHandler } from "./handlers.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const SERVERS = [TCPServer, AsyncTCPServer, ThreadingTCPServer];
/** More than the system takes at once for a client that does not read. */
const LARGE = 16 * 1024 * 1024 + 1;

/** Serves one client with a handler that is written in the test. */
async function serve_one(
  handle: (handler: StreamRequestHandler) => Promise<void>,
  talk: (conn: Deno.Conn) => Promise<void>,
): Promise<void> {
  class Handler extends StreamRequestHandler {
    override handle(): Promise<void> {
      return handle(this);
    }
  }
  class Server extends TCPServer {
    override handle_error(_request: unknown, _address: unknown, error: unknown): void {
      thrown = error;
    }
  }
  let thrown: unknown;
  await using server = new Server(HERE, Handler, { linger: 50 });
  const served = server.handle_request();
  using conn = await connect(server.server_address);
  await soon(talk(conn));
  await served;
  if (thrown !== undefined) throw thrown;
}

Deno.test("B23: wfile is a BufferedWriter over the connection, which is the request", async () => {
  await serve_one(async ({ request, connection, wfile }) => {
    assertInstanceOf(request, StreamSocket);
    assert(connection === request);
    assertInstanceOf(wfile, BufferedWriter);
    await wfile.write("a");
    await request.sendall(new Uint8Array([98]));
    await wfile.write("c");
  }, async (conn) => {
    assertEquals(await read_bytes(conn, 3), new Uint8Array([97, 98, 99]));
  });
});

Deno.test("B24: write() gives the full length, and the client has it without flush()", async () => {
  const seen = Promise.withResolvers<void>();
  await serve_one(async ({ wfile }) => {
    assertEquals(await wfile.write("grüße"), 7);
    // The handler has not ended, and nobody has flushed.
    await seen.promise;
  }, async (conn) => {
    assertEquals((await read_bytes(conn, 7)).length, 7);
    seen.resolve();
  });
});

Deno.test("B24: a write larger than the system's buffers is not cut, though signals come", async () => {
  const bytes = pattern(LARGE);
  let signals = 0;
  // A signal that does nothing to a program unless it is listened to.
  const note = () => signals++;
  const can_signal = Deno.build.os !== "windows";
  if (can_signal) Deno.addSignalListener("SIGWINCH", note);
  let sent = 0;
  try {
    await serve_one(async ({ wfile }) => {
      sent = await wfile.write(bytes);
    }, async (conn) => {
      for (let at = 0; at < LARGE; at += 1 << 20) {
        if (can_signal) Deno.kill(Deno.pid, "SIGWINCH");
        const part = bytes.subarray(at, at + (1 << 20));
        assert(
          same_bytes(await read_bytes(conn, part.length), part),
          `it differs after ${at}`,
        );
      }
    });
  } finally {
    if (can_signal) Deno.removeSignalListener("SIGWINCH", note);
  }
  assertEquals(sent, LARGE);
  assert(signals > 0 || !can_signal);
});

for (const Server of SERVERS) {
  Deno.test(`B47: ${Server.name}: a client that has sent all and FIN gets its reply, and then FIN`, async () => {
    await using server = serving(new Server(HERE, EchoAllHandler, { max_workers: 1 }));
    using conn = await connect(server.server_address);
    const bytes = pattern(50_000);
    await write_bytes(conn, bytes);
    await conn.closeWrite();
    assert(same_bytes(await soon(read_bytes(conn, bytes.length + 1)), bytes));
  });

  Deno.test(`B48: ${Server.name}: a read that waits for longer than the handler's timeout throws TimedOut`, async () => {
    await using server = serving(new (Noting(Server))(HERE, ImpatientHandler, { max_workers: 1 }));
    assertEquals(await ask_stream(server.server_address, "half a line"), "");
    await soon(server.log.until(({ entries }) => entries.length === 1));
    assertInstanceOf(server.log.errors[0], Deno.errors.TimedOut);
  });

  Deno.test(`B48: ${Server.name}: a read that timed out can be tried again, and lost nothing`, async () => {
    await using server = serving(new (Noting(Server))(HERE, ForgivingHandler, { max_workers: 1 }));
    using client = await LineClient.connect(server.server_address);
    await client.conn.write(new TextEncoder().encode("first "));
    assertEquals(await soon(client.line()), "timed out");
    assertEquals(await soon(client.ask("second")), "first second");
    assertEquals(await client.line(), null);
    assertEquals(server.log.errors, []);
  });
}
