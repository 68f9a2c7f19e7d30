/** Connections as they are accepted, with the handles of Deno's inside and without. */
import { assert, assertEquals } from "@std/assert";
import net from "node:net";
import process from "node:process";
import { accept_bare, type Accepted } from "../../../internal/runtime/accepted.ts";
import { listen_now } from "../../../internal/runtime/deno_internals.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import { bytes_of, read_bytes, read_to_end, text_of } from "../../fixtures/tools/bytes.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const ignore = Deno.build.os === "windows";

/** Runs something while handles lack one of their methods: `node:net` looks for it only later. */
function differently<T>(method: string, run: () => T): T {
  const { binding } = process as unknown as {
    binding(name: string): { TCP: { prototype: object } };
  };
  const streams = Object.getPrototypeOf(binding("tcp_wrap").TCP.prototype);
  const descriptor = Object.getOwnPropertyDescriptor(streams, method)!;
  delete streams[method];
  try {
    return run();
  } finally {
    Object.defineProperty(streams, method, descriptor);
  }
}

/** A server that gives what it accepts without sockets. */
function listen(where: string, port: number): { server: net.Server; next: Promise<Accepted> } {
  const server = net.createServer();
  assert(listen_now(server, where, port, 16));
  const { promise: next, resolve } = Promise.withResolvers<Accepted>();
  assert(
    accept_bare(server, resolve),
    "a listening handle has no onconnection or accept(): each connection gets a net.Socket",
  );
  return { server, next };
}

Deno.test({ name: "runtime: accept_bare() gives a connection of TCP", ignore }, async () => {
  const { server, next } = listen("127.0.0.1", 0);
  const { port } = server.address() as net.AddressInfo;
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  const accepted = await soon(next);
  const { hostname, port: client_port } = client.localAddr;
  assertEquals(accepted.remote(), { hostname, port: client_port });
  assertEquals(accepted.local(), { hostname: "127.0.0.1", port });
  const socket = accepted.open({ writable: true, readable: true });
  socket.end("hello");
  assertEquals(text_of(await read_to_end(client)), "hello");
  socket.destroy();
  server.close();
});

Deno.test({ name: "runtime: accept_bare() gives a Unix connection", ignore }, async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("server");
  const { server, next } = listen(path, -1);
  using client = await Deno.connect({ transport: "unix", path });
  const accepted = await soon(next);
  assertEquals(accepted.remote(), undefined);
  accepted.close();
  assertEquals(await read_to_end(client), bytes_of(""));
  server.close();
});

Deno.test(
  { name: "runtime: where Deno is built differently, connections are sockets of node:net", ignore },
  async () => {
    const { server } = listen("127.0.0.1", 0);
    assert(!differently("useUserBuffer", () => accept_bare(server, () => {})));
    server.close();
    const listener = differently("useUserBuffer", () => {
      const addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
      return new HandoverListener({ addr, backlog: 1, reuse_port: false });
    });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using socket = await listener.accept();
    await client.write(bytes_of("hello"));
    assertEquals(text_of(await read_bytes(socket, 5)), "hello");
    await socket.write(bytes_of("reply"));
    await socket.closeWrite();
    assertEquals(text_of(await read_to_end(client)), "reply");
    await listener.close();
  },
);
