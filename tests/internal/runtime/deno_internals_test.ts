/** What the library needs of Deno's inside: each test says what stopped working, if one fails. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker as Thread } from "node:worker_threads";
import { BareStream } from "../../../internal/runtime/bare_stream.ts";
import {
  can_hand_over,
  close_descriptor,
  duplicate_conn,
  duplicate_descriptor,
  is_platform_object,
  listen_now,
  open_bare,
  open_descriptor,
  port_closed,
  refuse_old_deno,
  reopen_socket,
  rid_of,
  start_reading,
  stop_reading,
  wake_listener,
} from "../../../internal/runtime/deno_internals.ts";
import { DescriptorTable } from "../../../internal/runtime/descriptor_table.ts";
import { detach } from "../../../server/sockets/stream_socket.ts";
import { accepted_pair } from "../../fixtures/clients/pairs.ts";
import { until_refused } from "../../fixtures/clients/refused.ts";
import { type Ending, ENDS } from "../../fixtures/programs/ending_thread.ts";
import { output_of } from "../../fixtures/programs/programs.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const ignore = Deno.build.os === "windows";

/** A number that no descriptor has. */
const NOBODYS = 2 ** 30;

/** A listening server and an accepted connection, with its client. */
async function accepted(): Promise<{ server: net.Server; socket: net.Socket; client: Deno.Conn }> {
  const server = net.createServer({ pauseOnConnect: true });
  assert(listen_now(server, "127.0.0.1", 0, 16), LISTEN);
  const { port } = server.address() as net.AddressInfo;
  const connection = once(server, "connection");
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  const [socket] = await connection;
  return { server, socket, client };
}

const LISTEN = "net.Server has no _listen2(ip, port, family, backlog) that binds at once: " +
  "HandoverListener cannot listen synchronously";

Deno.test("runtime: refuse_old_deno() refuses what is older than 2.9.6, and says so", () => {
  for (const version of ["1.46.3", "2.0.0", "2.8.10", "2.9.0", "2.9.5"]) {
    assertThrows(() => refuse_old_deno(version), Deno.errors.NotSupported, `this is ${version}`);
  }
  for (const version of ["2.9.6", "2.9.6+0a1b2c3", "2.9.10", "2.10.0", "3.0.0-rc.1", "10.0.0"]) {
    refuse_old_deno(version);
  }
  refuse_old_deno();
});

Deno.test({ name: "runtime: connections can be handed over at all", ignore }, () => {
  assert(can_hand_over(), LISTEN);
});

Deno.test({ name: "runtime: listen_now() has bound when it returns", ignore }, () => {
  const server = net.createServer();
  assert(listen_now(server, "127.0.0.1", 0, 16), LISTEN);
  const { port } = server.address() as net.AddressInfo;
  assert(port > 0, "address() has no port right after _listen2()");
  const second = net.createServer().on("error", () => {});
  assertEquals(listen_now(second, "127.0.0.1", port, 16), false, "a bind that failed looks good");
  server.close();
});

Deno.test(
  { name: "runtime: duplicate_descriptor() gives a descriptor of its own", ignore },
  async () => {
    const { server, socket, client } = await accepted();
    const fd = duplicate_descriptor(socket);
    assert(fd > 0, "_handle.fdForIpc() gives no descriptor: connections cannot reach workers");
    socket.destroy();
    const copy = new net.Socket({ fd, writable: true, readable: true });
    copy.end("through the copy");
    assertEquals(await new Response(client.readable).text(), "through the copy");
    copy.destroy();
    server.close();
  },
);

Deno.test(
  {
    name: "runtime: duplicate_conn() gives a descriptor of a Deno.TcpConn, and of nothing else",
    ignore,
  },
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using conn = await listener.accept();
    using client = await connecting;
    const fd = duplicate_conn(conn);
    assert(fd > 0, "openFromRid() of the TCP handle takes no connection: others cannot have them");
    const copy = new net.Socket({ fd, writable: true, readable: true });
    copy.end("through the copy");
    assertEquals(await new Response(client.readable).text(), "through the copy");
    copy.destroy();
    assert(rid_of(listener) !== undefined, "Deno's own objects have no symbol Deno.internal.rid");
    for (const other of [listener, {}]) assertEquals(duplicate_conn(other), -1);
  },
);

Deno.test(
  { name: "runtime: hold_descriptor() is undone by the end of the isolate", ignore },
  async () => {
    await using folder = await TempFolder.make();
    const module = new URL("../../fixtures/programs/held_listener.ts", import.meta.url);
    for (const path of ["", folder.join("server")]) {
      const worker = new Worker(module, { type: "module", name: path });
      const port = await soon(
        new Promise<number>((resolve) => worker.onmessage = (e) => resolve(e.data)),
      );
      const address: Deno.ConnectOptions | Deno.UnixConnectOptions = path
        ? { transport: "unix", path: `${path}.held` }
        : { hostname: "127.0.0.1", port };
      (await Deno.connect(address as Deno.ConnectOptions)).close();
      worker.terminate();
      await until_refused(address as Deno.ConnectOptions);
    }
  },
);

Deno.test(
  {
    name: "runtime: a thread that ends leaves what it has opened to others, however it ends",
    ignore,
  },
  async () => {
    const module = new URL("../../fixtures/programs/ending_thread.ts", import.meta.url);
    for (const end of ENDS) {
      const { socket, peer } = await accepted_pair();
      using client = peer;
      const { fd } = detach(socket)!;
      const worker = new Thread(module);
      const { port1: port, port2 } = new MessageChannel();
      const gone = port_closed(port);
      worker.postMessage({ fd, end, port: port2 } satisfies Ending, [port2]);
      await soon(once(port, "message"));
      port.postMessage("end");
      if (end === "waits" || end === "loops") await soon(worker.terminate());
      await soon(gone);
      const handle = open_bare(fd);
      assert(
        handle,
        `the end of a thread that ${end} closes its descriptors: they are closed twice`,
      );
      const stream = new BareStream(handle, { bytes_came() {}, end_came() {}, error_came() {} });
      await stream.write(new TextEncoder().encode("still open"));
      stream.close();
      assertEquals(await soon(new Response(client.readable).text()), "still open");
    }
  },
);

Deno.test(
  { name: "runtime: to close a number that is nobody's harms nobody", ignore },
  async () => {
    await soon(close_descriptor(NOBODYS));
    assertThrows(() => open_descriptor(NOBODYS, {}));
  },
);

Deno.test(
  { name: "runtime: open_bare() notes an end once: the number may be another's then", ignore },
  async () => {
    const { socket, peer } = await accepted_pair();
    using client = peer;
    const { fd } = detach(socket)!;
    const table = new DescriptorTable();
    const handle = open_bare(fd, table)!;
    assertEquals([...table.left()], [fd]);
    handle.close();
    assertEquals([...table.left()], []);
    assertEquals(await soon(client.read(new Uint8Array(1))), null);
    table.opened(fd);
    handle.close();
    assertEquals([...table.left()], [fd]);
  },
);

Deno.test({ name: "runtime: reopen_socket() keeps the connection", ignore }, async () => {
  const { server, socket, client } = await accepted();
  const again = reopen_socket(socket, { writable: true, readable: true });
  again.end("reopened");
  assertEquals(
    await new Response(client.readable).text(),
    "reopened",
    "new net.Socket({ handle }) no longer takes over a handle",
  );
  again.destroy();
  server.close();
});

Deno.test(
  { name: "runtime: open_descriptor() sends all to who has sent FIN", ignore },
  async () => {
    const { server, socket, client } = await accepted();
    await client.closeWrite();
    const again = reopen_socket(socket, { writable: true, readable: true, allowHalfOpen: true });
    again.end(new Uint8Array(16 * 1_048_576));
    again.on("error", () => {});
    assertEquals(
      (await new Response(client.readable).bytes()).length,
      16 * 1_048_576,
      "process.binding() has no pipe_wrap, or its handles fail writes after FIN, as those of TCP do",
    );
    again.destroy();
    server.close();
  },
);

Deno.test(
  { name: "runtime: wake_listener() does no harm to a listener that works", ignore },
  async () => {
    const { server, socket, client } = await accepted();
    wake_listener(server, 16);
    const connection = once(server, "connection");
    const { port } = server.address() as net.AddressInfo;
    using _second = await Deno.connect({ hostname: "127.0.0.1", port });
    const [other] = await connection;
    for (const end of [socket, other]) end.destroy();
    client.close();
    server.close();
  },
);

Deno.test("runtime: a worker that holds a Web Lock can be killed in an endless loop", async () => {
  const program = path_of("../../fixtures/programs/kill_endless_worker.ts");
  const printed = await output_of(Deno.execPath(), ["run", "-A", program]);
  const burned = Number(printed);
  assert(
    printed !== "" && burned < 150,
    `The loop goes on after terminate(): ${burned} of 300 ms of CPU were used`,
  );
});

function path_of(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

Deno.test(
  { name: "runtime: stop_reading() and start_reading() do so at once", ignore },
  async () => {
    const { server, socket, client } = await accepted();
    const read: number[] = [];
    let came = () => {};
    const buffer = new Uint8Array(1);
    const callback = (count: number) => {
      read.push(buffer[0]!);
      if (read.length === 1) {
        assert(stop_reading(reopened), "_handle.readStop() is gone: workers read through a stream");
      }
      came();
      return count === 1;
    };
    const reopened = reopen_socket(socket, { readable: true, onread: { buffer, callback } });
    const next = () => new Promise<void>((resolve) => came = resolve);
    const first = next();
    await client.write(new Uint8Array([1, 2]));
    await first;
    assertEquals(read, [1]);
    const second = next();
    assert(start_reading(reopened), "_handle.readStart() is gone: workers read through a stream");
    await second;
    assertEquals(read, [1, 2], "bytes were lost while reading was stopped");
    client.close();
    reopened.destroy();
    server.close();
  },
);

Deno.test("runtime: is_platform_object() knows what only the platform can copy", () => {
  const { signal } = new AbortController();
  for (const object of [signal, new URL("http://a"), new Headers(), new Blob(), new FormData()]) {
    assert(is_platform_object(object), "objects of the platform have no [[webidl.brand]] any more");
  }
  for (const object of [{}, new Map(), new Date(), new (class Own {})()]) {
    assert(!is_platform_object(object));
  }
});
