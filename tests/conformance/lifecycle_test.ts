/** How servers start, wait, stop and close. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  AsyncTCPServer,
  BaseRequestHandler,
  TCPServer,
  ThreadingTCPServer,
  UDPServer,
  UnixDatagramServer,
  UnixStreamServer,
} from "../../mod.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { CommandHandler } from "../fixtures/handlers/handlers.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { ask_stream, connect } from "./echo_clients.ts";
import { EchoLineHandler, EchoPacketHandler } from "./handlers.ts";
import { output_of } from "../fixtures/programs/programs.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const ignore = Deno.build.os === "windows";

/** Serves one client. */
async function assert_serves(server: TCPServer): Promise<void> {
  assertEquals(await ask_stream(server.server_address, "hello\n"), "hello\n");
}

Deno.test("B13: every loop ends when shutdown() is called right after its start (20 servers)", async () => {
  const servers = Array.from({ length: 20 }, () => new TCPServer(HERE, EchoLineHandler));
  const loops = servers.map((server) => {
    const loop = server.serve_forever({ poll_interval: 10 });
    void server.shutdown();
    return loop;
  });
  await soon(Promise.all(loops));
  for (const server of servers) await soon(server.server_close());
});

Deno.test("B13: a loop ends when shutdown() is called while its workers start", async () => {
  await using server = new ThreadingTCPServer(HERE, EchoLineHandler, { max_workers: 2 });
  const loop = server.serve_forever();
  await soon(server.shutdown());
  await soon(loop);
});

Deno.test("B14: a server with workers may be closed without ever serving", async () => {
  const server = new ThreadingTCPServer(HERE, EchoLineHandler);
  assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
  assertEquals(server.info().workers, []);
});

Deno.test("B15: 1024 constructions with port -1 each throw", () => {
  for (const Server of [TCPServer, UDPServer] as const) {
    for (let time = 0; time < 1024; time++) {
      assertThrows(() => new Server(["127.0.0.1", -1], EchoLineHandler), RangeError, "-1");
    }
  }
});

Deno.test("B15: 1024 constructions at a taken address each throw, and leave no descriptor", {
  ignore,
}, async () => {
  await using folder = await TempFolder.make();
  const program = fileURLToPath(new URL("failing_binds.ts", import.meta.url));
  const deno = `"${Deno.execPath()}" run -A --unstable-net --no-check`;
  const command = `ulimit -n 100; exec ${deno} "${program}" "${folder.path}"`;
  const printed = await output_of("sh", ["-c", command]);
  assertEquals(printed.trim().split("\n"), [
    "TCPServer: AddrInUse",
    "ThreadingTCPServer: AddrInUse",
    "BrokenServer: AddrInUse",
    "UDPServer: AddrInUse",
    "UnixStreamServer: AddrInUse",
    "UnixDatagramServer: AddrInUse",
  ]);
});

Deno.test("B16: leaving the block ends the loop and closes the listener", async () => {
  let loop: Promise<void> | undefined;
  let address: Deno.NetAddr | undefined;
  {
    await using server = new TCPServer(HERE, EchoLineHandler);
    loop = server.serve_forever();
    address = server.server_address;
    await assert_serves(server);
  }
  await soon(loop);
  await assertRejects(() => connect(address), Deno.errors.ConnectionRefused);
});

/** Notes when `handle_timeout()` was called. */
class TimedServer extends TCPServer {
  timeouts = 0;
  override handle_timeout(): void {
    this.timeouts++;
  }
}

Deno.test("B32: handle_request() calls handle_timeout() once, when timeout is over", async () => {
  await using server = new TimedServer(HERE, EchoLineHandler, { timeout: 50 });
  const start = performance.now();
  await soon(server.handle_request());
  const took = performance.now() - start;
  assertEquals(server.timeouts, 1);
  // Timers may ring up to one ms early.
  assert(took >= 49, `it waited for ${took} ms`);
});

Deno.test("B32: a client that comes in time is no timeout, one that comes too late is not lost", async () => {
  await using server = new TimedServer(HERE, EchoLineHandler, { timeout: 50 });
  await soon(server.handle_request());
  const late = ask_stream(server.server_address, "late\n");
  server.timeout = 10_000;
  await soon(server.handle_request());
  assertEquals(await late, "late\n");
  assertEquals(server.timeouts, 1);
});

/** Counts the calls of `service_actions()`. */
class ActiveServer extends TCPServer {
  actions = 0;
  override service_actions(): void {
    this.actions++;
  }
}

Deno.test("B33: service_actions() runs every poll_interval while nobody comes", async () => {
  await using server = new ActiveServer(HERE, EchoLineHandler);
  const start = performance.now();
  const loop = server.serve_forever({ poll_interval: 10 });
  await soon(until(() => server.actions >= 3));
  assert(performance.now() - start >= 25, "it ran too often");
  assertEquals(server.info().accepted, 0);
  await soon(server.shutdown());
  await soon(loop);
});

Deno.test("B33: service_actions() runs after each request, whatever poll_interval is", async () => {
  await using server = new ActiveServer(HERE, EchoLineHandler);
  const loop = server.serve_forever({ poll_interval: 1_000_000 });
  for (let client = 1; client <= 3; client++) {
    await assert_serves(server);
    await soon(until(() => server.actions === client));
  }
  await soon(server.shutdown());
  await soon(loop);
});

for (const Server of [TCPServer, AsyncTCPServer]) {
  Deno.test(`B34: ${Server.name} takes no client after shutdown(), and the next loop gets it`, async () => {
    await using server = new Server(HERE, EchoLineHandler);
    const first = server.serve_forever();
    await assert_serves(server);
    const stopping = server.shutdown();
    const late = ask_stream(server.server_address, "late\n");
    await Promise.all([stopping, first]);
    using _probe = await connect(server.server_address);
    assertEquals(server.info().accepted, 1);
    const second = server.serve_forever();
    assertEquals(await late, "late\n");
    await soon(server.server_close());
    await second;
  });
}

for (const Server of with_native([UDPServer])) {
  Deno.test(`B34: ${Server.name} takes no datagram after shutdown(), and the next loop gets it`, async () => {
    await using server = new Server(HERE, EchoPacketHandler);
    const first = server.serve_forever();
    using client = new DatagramClient(server.server_address);
    assertEquals(await client.ask("one\n"), "one\n");
    const stopping = server.shutdown();
    await client.send("late\n");
    await Promise.all([stopping, first]);
    assertEquals(server.info().accepted, 1);
    const second = server.serve_forever();
    assertEquals(text_of(await client.receive()), "late\n");
    await soon(server.shutdown());
    await second;
  });
}

Deno.test("B35: shutdown() before serving returns, and does not end the next loop", async () => {
  await using server = new TCPServer(HERE, EchoLineHandler);
  await soon(server.shutdown());
  const loop = server.serve_forever();
  await assert_serves(server);
  await soon(server.shutdown());
  await soon(loop);
});

Deno.test("B36: shutdown() twice, at once and again, does not end the next loop", async () => {
  await using server = new TCPServer(HERE, EchoLineHandler);
  const first = server.serve_forever();
  await assert_serves(server);
  await soon(Promise.all([server.shutdown(), server.shutdown()]));
  await first;
  await soon(server.shutdown());
  const second = server.serve_forever();
  await assert_serves(server);
  await soon(server.shutdown());
  await second;
});

for (const Server of [TCPServer, AsyncTCPServer, ThreadingTCPServer]) {
  Deno.test(`B37: ${Server.name} serves again after shutdown()`, async () => {
    await using server = new Server(HERE, EchoLineHandler, { max_workers: 1 });
    for (let time = 0; time < 3; time++) {
      const loop = server.serve_forever();
      await assert_serves(server);
      await soon(server.shutdown());
      await soon(loop);
    }
    await soon(until(() => server.info().completed === 3));
  });

  Deno.test(`B38: ${Server.name} may be closed twice, at once and again`, async () => {
    const server = new Server(HERE, EchoLineHandler, { max_workers: 1 });
    const loop = server.serve_forever();
    await assert_serves(server);
    const results = await Promise.all([server.server_close(), server.server_close()]);
    assertEquals(results[0], results[1]);
    assertEquals(await soon(server.server_close()), results[0]);
    await soon(loop);
    await assertRejects(() => server.serve_forever(), Deno.errors.BadResource);
  });
}

Deno.test("B39: with bind_and_activate false a server is bound and activated by hand", async () => {
  await using server = new TCPServer(HERE, EchoLineHandler, { bind_and_activate: false });
  assertEquals(server.server_address.port, 0);
  assertEquals(server.socket, undefined);
  await server.server_bind();
  await server.server_activate();
  assert(server.server_address.port > 0);
  const served = server.handle_request();
  await assert_serves(server);
  await served;
});

Deno.test("B39: a server that was never bound may be closed", async () => {
  const server = new UDPServer(HERE, EchoPacketHandler, { bind_and_activate: false });
  assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
});

for (const Server of [TCPServer, ThreadingTCPServer]) {
  Deno.test(`B49: a second ${Server.name} at a port throws AddrInUse that names it`, async () => {
    await using first = new Server(HERE, EchoLineHandler);
    const { hostname, port } = first.server_address;
    const again = () => new Server([hostname, port], EchoLineHandler);
    assertThrows(again, Deno.errors.AddrInUse, `${hostname}:${port}`);
  });
}

Deno.test("B49: a second UDPServer at a port throws AddrInUse that names it", async () => {
  await using first = new UDPServer(HERE, EchoPacketHandler);
  const { hostname, port } = first.server_address;
  const again = () => new UDPServer([hostname, port], EchoPacketHandler);
  assertThrows(again, Deno.errors.AddrInUse, `${hostname}:${port}`);
});

for (const Server of [UnixStreamServer, UnixDatagramServer]) {
  Deno.test(`B49: a second ${Server.name} at a path throws AddrInUse that names it`, {
    ignore,
  }, async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("server");
    await using _first = new Server(path, EchoLineHandler);
    assertThrows(() => new Server(path, EchoLineHandler), Deno.errors.AddrInUse, path);
    await Deno.lstat(path);
  });
}

for (const Server of [TCPServer, ThreadingTCPServer]) {
  for (const allow_reuse_address of [true, false]) {
    Deno.test(`B49: ${Server.name} gets its port back in TIME_WAIT, allow_reuse_address ${allow_reuse_address}`, async () => {
      const options = { allow_reuse_address, max_workers: 1 };
      const first = new Server(HERE, EchoLineHandler, options);
      const { hostname, port } = first.server_address;
      const served = first.handle_request();
      // The server closes first, so that the connection lingers on its side.
      await assert_serves(first);
      await served;
      await soon(first.server_close());
      await using second = new Server([hostname, port], EchoLineHandler, options);
      const again = second.handle_request();
      await assert_serves(second);
      await again;
    });
  }
}

for (const Server of [TCPServer, AsyncTCPServer, ThreadingTCPServer]) {
  Deno.test(`B50: ${Server.name}.server_close() does not wait for an idle client`, async () => {
    const server = new Server(HERE, CommandHandler, { max_workers: 1 });
    const loop = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("hello"), "hello");
    const start = performance.now();
    assertEquals(await soon(server.server_close({ grace: 60_000 })), { drained: 1, aborted: 0 });
    assert(performance.now() - start < 30_000, "it waited for its grace");
    await soon(loop);
    assertEquals(await client.line(), null);
  });

  Deno.test(`B50: ${Server.name}.server_close() cuts a handler that does not end in time`, async () => {
    const server = new Server(HERE, CommandHandler, { max_workers: 1 });
    const loop = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("hang"), "hanging");
    const start = performance.now();
    assertEquals(await soon(server.server_close({ grace: 50 })), { drained: 0, aborted: 1 });
    assert(performance.now() - start >= 49, "it did not wait for its grace");
    await soon(loop);
    assertEquals(await line_or_end(client), null);
  });
}

for (const Server of with_native([UDPServer])) {
  Deno.test(`B50: ${Server.name}.server_close() ends a receive that waits`, async () => {
    /** Never answers. */
    class Silent extends BaseRequestHandler {}
    const server = new Server(HERE, Silent);
    const loop = server.serve_forever();
    using client = new DatagramClient(server.server_address);
    await client.send(bytes_of("one"));
    await until(() => server.info().completed === 1);
    assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
    await soon(loop);
  });
}
