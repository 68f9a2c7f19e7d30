/** Connections behind a proxy, over each listener; how they go to workers. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DenoListener } from "../../../server/listeners/deno_listener.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import { ProxiedListener } from "../../../server/listeners/proxied_listener.ts";
import { close_descriptor } from "../../../internal/runtime/deno_internals.ts";
import { detach } from "../../../server/sockets/stream_socket.ts";
import { CLIENT, V1, V2 } from "../../fixtures/clients/proxy_headers.ts";
import { bytes_of, read_bytes, text_of, write_bytes } from "../../fixtures/tools/bytes.ts";
import { OWN_ADDRESS } from "../../fixtures/tools/addresses.ts";
import { is_pending, soon, turn } from "../../fixtures/tools/waiting.ts";

const ADDR: Deno.NetAddr = { transport: "tcp", hostname: OWN_ADDRESS, port: 0 };

function proxied(Listener: typeof DenoListener | typeof HandoverListener, limit = 16) {
  const errors: Error[] = [];
  const listener = new ProxiedListener(
    new Listener({ addr: ADDR, backlog: 16, reuse_port: false }),
    { trusts: () => true, timeout: Infinity, limit, rejected: (error) => void errors.push(error) },
  );
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return { listener, errors, connect: () => Deno.connect({ hostname, port }) };
}

for (const Listener of [DenoListener, HandoverListener]) {
  Deno.test(`${Listener.name}: connections come in the order of their headers`, async () => {
    const { listener, connect } = proxied(Listener);
    const first = listener.accept();
    using slow = await connect();
    await write_bytes(slow, V1.subarray(0, 1));
    using quick = await connect();
    await write_bytes(quick, Uint8Array.of(...V2, ...bytes_of("quick")));
    using one = await soon(Promise.resolve(first));
    assertEquals(one.proxy?.version, 2);
    assertEquals(text_of(await read_bytes(one, 5)), "quick");
    const second = listener.accept();
    for (const byte of [...V1.subarray(1), ...bytes_of("slow")]) {
      await write_bytes(slow, Uint8Array.of(byte));
    }
    using other = await soon(Promise.resolve(second));
    assertEquals(other.remoteAddr, CLIENT);
    assertEquals(text_of(await read_bytes(other, 4)), "slow");
    await listener.close();
  });

  Deno.test(`${Listener.name}: while it is suspended no connection is taken, though somebody waits`, async () => {
    const { listener, connect } = proxied(Listener);
    const first = Promise.resolve(listener.accept());
    listener.suspend();
    const conns = [await connect(), await connect(), await connect()];
    // The first was asked for before: its header is not there, and no other takes its place.
    await write_bytes(conns[1]!, V1);
    await write_bytes(conns[2]!, V1);
    assert(await is_pending(first, 50), "it accepts although it is suspended");
    listener.resume();
    using one = await soon(first);
    using other = await soon(Promise.resolve(listener.accept()));
    assertEquals([one.remoteAddr, other.remoteAddr], [CLIENT, CLIENT]);
    await listener.close();
    for (const conn of conns) conn.close();
  });

  Deno.test(`${Listener.name}: close() closes what is read and what is ready, and ends the wait`, async () => {
    const { listener, errors, connect } = proxied(Listener);
    const first = listener.accept();
    const conns = await Promise.all([connect(), connect(), connect()]);
    await write_bytes(conns[0]!, V1.subarray(0, 5));
    await write_bytes(conns[1]!, V1);
    await write_bytes(conns[2]!, V1);
    using _ = await soon(Promise.resolve(first));
    for (let turns = 0; turns < 20; turns++) await turn();
    const waiting = listener.accept();
    const rejected = waiting instanceof Promise &&
      assertRejects(() => waiting, Deno.errors.BadResource);
    if (!(waiting instanceof Promise)) waiting.close();
    await soon(listener.close());
    if (rejected) await soon(rejected);
    await assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
    assertEquals([errors, listener.rejected, listener.closed], [[], 0, true]);
    for (const conn of conns) conn.close();
  });
}

Deno.test("what is accepted in the moment of close() is closed, too", async () => {
  const inner = new DenoListener({ addr: ADDR, backlog: 16, reuse_port: false });
  const { hostname, port } = inner.addr as Deno.NetAddr;
  const [conn, socket] = await soon(
    Promise.all([Deno.connect({ hostname, port }), inner.accept()]),
  );
  const arrived = [Promise.resolve(socket)];
  const accept = inner.accept.bind(inner);
  Object.assign(inner, { accept: () => arrived.pop() ?? accept() });
  const listener = new ProxiedListener(inner, {
    trusts: () => true,
    timeout: Infinity,
    limit: 1,
    rejected: () => {},
  });
  void Promise.resolve(listener.accept()).catch(() => {});
  await soon(listener.close());
  assertEquals(await soon(conn.read(new Uint8Array(1))), null);
  conn.close();
});

Deno.test("the listener behind is suspended and resumed, too, and has the same pace", async () => {
  const told: unknown[] = [];
  const inner = Object.assign(new DenoListener({ addr: ADDR, backlog: 16, reuse_port: false }), {
    suspend: () => void told.push("suspend"),
    resume: () => void told.push("resume"),
    pace: (per_second: number) => void told.push(per_second),
  });
  const listener = new ProxiedListener(inner, {
    trusts: () => true,
    timeout: Infinity,
    limit: 16,
    rejected: () => {},
  });
  listener.pace(10);
  listener.suspend();
  listener.resume();
  await listener.close();
  assertEquals(told, [10, "suspend", "resume"]);
});

Deno.test({
  name: "a connection leaves this thread with what came behind its header, and after that",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { listener, connect } = proxied(HandoverListener);
    const first = listener.accept();
    using client = await connect();
    await write_bytes(client, Uint8Array.of(...V1, ...bytes_of("one ")));
    const socket = await soon(Promise.resolve(first));
    await write_bytes(client, bytes_of("two"));
    // It is here by now, though nobody has asked for it.
    for (let turns = 0; turns < 20; turns++) await turn();
    const { fd, unread } = detach(socket)!;
    assert(fd >= 0);
    assertEquals(text_of(unread), "one two");
    await close_descriptor(fd);
    await listener.close();
  },
});
