/** What both TCP listeners do. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DenoListener } from "../../../server/listeners/deno_listener.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import type { StreamListenOptions } from "../../../server/listeners/listener.ts";

/** Where to listen. */
function at(hostname: string, port: number): StreamListenOptions<Deno.NetAddr> {
  return { addr: { transport: "tcp", hostname, port }, backlog: 16, reuse_port: false };
}

const HERE = at("127.0.0.1", 0);

for (const Listener of [DenoListener, HandoverListener]) {
  const test = (name: string, run: () => Promise<void>) =>
    Deno.test(`${Listener.name} ${name}`, run);

  test("has the real port at once, and accepts", async () => {
    const listener = new Listener(HERE);
    const { hostname, port } = listener.addr;
    assert(port > 0);
    using client = await Deno.connect({ hostname, port });
    using socket = await listener.accept();
    assertEquals(socket.remoteAddr, client.localAddr);
    assertEquals(socket.localAddr, client.remoteAddr);
    await listener.close();
  });

  test("frees the address before close() resolves, also while it accepts", async () => {
    let port = 0;
    for (let turn = 0; turn < 5; turn++) {
      const listener = new Listener(at("127.0.0.1", port));
      port = listener.addr.port;
      const accepting = assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
      await listener.close();
      await listener.close();
      await accepting;
    }
    await assertRejects(async () => {
      const listener = new Listener(at("127.0.0.1", port));
      await listener.close();
      await listener.accept();
    }, Deno.errors.BadResource);
  });

  test("says why it cannot listen, and leaves nothing", async () => {
    const first = new Listener(HERE);
    const { port } = first.addr;
    assertThrows(() => new Listener(at("127.0.0.1", port)), Deno.errors.AddrInUse);
    await first.close();
    assertThrows(
      () => new Listener(at("192.0.2.1", 0)),
      Deno.errors.AddrNotAvailable,
    );
    assertThrows(() => new Listener(at("no such host", 0)));
    const again = new Listener(at("127.0.0.1", port));
    await again.close();
  });

  test("takes names and IPv6 addresses", async () => {
    for (const hostname of ["localhost", "::1", "0.0.0.0"]) {
      const listener = new Listener(at(hostname, 0));
      const { port } = listener.addr;
      const dial = hostname === "0.0.0.0" ? "127.0.0.1" : listener.addr.hostname;
      using client = await Deno.connect({ hostname: dial, port });
      using socket = await listener.accept();
      assertEquals(socket.localAddr, client.remoteAddr);
      await listener.close();
    }
  });

  test("closes connections that nobody took", async () => {
    const listener = new Listener(HERE);
    const { hostname, port } = listener.addr;
    using client = await Deno.connect({ hostname, port });
    await listener.close();
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
  });
}

Deno.test("HandoverListener stops when its backlog is full, and loses nobody", async () => {
  const listener = new HandoverListener({ ...HERE, backlog: 4 });
  const { hostname, port } = listener.addr;
  const clients: Deno.TcpConn[] = [];
  const connect = async () => clients.push(await Deno.connect({ hostname, port }));
  for (let n = 0; n < 4; n++) await connect();
  // A turn of the event loop, in which it stops; these wait in the system.
  await new Promise((resolve) => setTimeout(resolve, 20));
  // More than the system holds beside them: the last ones have to wait.
  const late = Promise.all(Array.from({ length: 8 }, connect)).then(() => "all");
  const early = await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 100))]);
  if (Deno.build.os === "linux") assertEquals(early, undefined, "it does not stop");
  const answered = [];
  for (let n = 0; n < 12; n++) {
    const socket = await listener.accept();
    await socket.sendall(new Uint8Array([1]));
    answered.push(socket);
  }
  await late;
  for (const client of clients) assertEquals(await client.read(new Uint8Array(1)), 1);
  for (const end of [...answered, ...clients]) end.close();
  await listener.close();
});

Deno.test("HandoverListener frees its address also while it is stopped", async () => {
  const listener = new HandoverListener({ ...HERE, backlog: 1 });
  const { hostname, port } = listener.addr;
  using client = await Deno.connect({ hostname, port });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await listener.close();
  Deno.listen({ hostname, port }).close();
  assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
});
