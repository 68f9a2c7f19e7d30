/** What both TCP listeners do. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DenoListener } from "../../../server/listeners/deno_listener.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import type { TcpListenOptions } from "../../../server/listeners/listener.ts";

const HERE: TcpListenOptions = {
  hostname: "127.0.0.1",
  port: 0,
  backlog: 16,
  reuse_port: false,
};

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
      const listener = new Listener({ ...HERE, port });
      port = listener.addr.port;
      const accepting = assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
      await listener.close();
      await listener.close();
      await accepting;
    }
    await assertRejects(async () => {
      const listener = new Listener({ ...HERE, port });
      await listener.close();
      await listener.accept();
    }, Deno.errors.BadResource);
  });

  test("says why it cannot listen, and leaves nothing", async () => {
    const first = new Listener(HERE);
    const { port } = first.addr;
    assertThrows(() => new Listener({ ...HERE, port }), Deno.errors.AddrInUse);
    await first.close();
    assertThrows(
      () => new Listener({ ...HERE, hostname: "192.0.2.1" }),
      Deno.errors.AddrNotAvailable,
    );
    assertThrows(() => new Listener({ ...HERE, hostname: "no such host" }));
    const again = new Listener({ ...HERE, port });
    await again.close();
  });

  test("takes names and IPv6 addresses", async () => {
    for (const hostname of ["localhost", "::1", "0.0.0.0"]) {
      const listener = new Listener({ ...HERE, hostname });
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

Deno.test("HandoverListener holds no more than its backlog", async () => {
  const listener = new HandoverListener({ ...HERE, backlog: 2 });
  const { hostname, port } = listener.addr;
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => Deno.connect({ hostname, port })),
  );
  // Those beyond it are closed; a read tells.
  const ends = clients.map((client) => client.read(new Uint8Array(1)).catch(() => null));
  await Promise.race(ends);
  const taken = [await listener.accept(), await listener.accept()];
  assertEquals(taken.length, 2);
  await listener.close();
  for (const socket of taken) socket.close();
  for (const client of clients) client.close();
  await Promise.all(ends);
});
