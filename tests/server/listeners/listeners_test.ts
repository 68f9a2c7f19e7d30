/** What both stream listeners do. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DenoListener } from "../../../server/listeners/deno_listener.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import type { StreamListenOptions } from "../../../server/listeners/listener.ts";
import { has_ipv6, OWN_ADDRESS } from "../../fixtures/tools/addresses.ts";
import { bytes_of, read_to_end, text_of } from "../../fixtures/tools/bytes.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

/** Where to listen. */
function at(hostname: string, port: number): StreamListenOptions<Deno.NetAddr> {
  return { addr: { transport: "tcp", hostname, port }, backlog: 16, reuse_port: false };
}

const HERE = at(OWN_ADDRESS, 0);

/** A path to listen at. */
function at_path(path: string, backlog = 16): StreamListenOptions<Deno.UnixAddr> {
  return { addr: { transport: "unix", path }, backlog, reuse_port: false };
}

function connect_to(path: string): Promise<Deno.UnixConn> {
  return Deno.connect({ transport: "unix", path });
}

async function names_in({ path }: TempFolder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

for (const Listener of [DenoListener, HandoverListener]) {
  const test = (name: string, run: () => Promise<void>, ignore = false) =>
    Deno.test(`${Listener.name} ${name}`, { ignore }, run);
  const test_unix = (name: string, run: (folder: TempFolder) => Promise<void>) =>
    test(`at a path ${name}`, async () => {
      await using folder = await TempFolder.make();
      await run(folder);
    }, Deno.build.os === "windows");

  test("has the real port at once, and accepts", async () => {
    const listener = new Listener(HERE);
    assertEquals(listener.closed, false);
    const { hostname, port } = listener.addr;
    assert(port > 0);
    using client = await Deno.connect({ hostname, port });
    using socket = await listener.accept();
    assertEquals(socket.remoteAddr, client.localAddr);
    assertEquals(socket.localAddr, client.remoteAddr);
    await listener.close();
    assertEquals(listener.closed, true);
  });

  test("frees the address before close() resolves, also while it accepts", async () => {
    let port = 0;
    for (let turn = 0; turn < 5; turn++) {
      const listener = new Listener(at(OWN_ADDRESS, port));
      port = listener.addr.port;
      const accepting = assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
      await listener.close();
      await listener.close();
      await accepting;
    }
    await assertRejects(async () => {
      const listener = new Listener(at(OWN_ADDRESS, port));
      await listener.close();
      await listener.accept();
    }, Deno.errors.BadResource);
  });

  test("says why it cannot listen, and leaves nothing", async () => {
    const first = new Listener(HERE);
    const { port } = first.addr;
    assertThrows(() => new Listener(at(OWN_ADDRESS, port)), Deno.errors.AddrInUse);
    await first.close();
    assertThrows(
      () => new Listener(at("192.0.2.1", 0)),
      Deno.errors.AddrNotAvailable,
    );
    assertThrows(() => new Listener(at("no such host", 0)));
    const again = new Listener(at(OWN_ADDRESS, port));
    await again.close();
  });

  test("lets many wait, however large its backlog is", async () => {
    for (const backlog of [2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      const listener = new Listener({ ...HERE, backlog });
      const { hostname, port } = listener.addr;
      const connecting = Array.from({ length: 8 }, () => Deno.connect({ hostname, port }));
      for (const client of await soon(Promise.all(connecting))) client.close();
      await listener.close();
    }
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

  test("at all interfaces sees an IPv4 client with its IPv4 address", async () => {
    const listener = new Listener(at("::", 0));
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using socket = await listener.accept();
    assertEquals(socket.remoteAddr, client.localAddr);
    assertEquals(socket.localAddr, client.remoteAddr);
    await listener.close();
  }, !has_ipv6());

  test_unix("accepts, and the client has no name", async (folder) => {
    const path = folder.join("server");
    const listener = new Listener(at_path(path));
    assertEquals(listener.addr, { transport: "unix", path });
    using client = await connect_to(path);
    using socket = await listener.accept();
    assertEquals(socket.localAddr, { transport: "unix", path });
    assertEquals(socket.remoteAddr, { transport: "unix", path: "" });
    await client.write(bytes_of("question"));
    assertEquals(text_of(await socket.recv(100)), "question");
    await socket.sendall(bytes_of("answer"));
    await socket.closeWrite();
    assertEquals(text_of(await read_to_end(client)), "answer");
    await listener.close();
  });

  test_unix("frees it before close() resolves, also while it accepts", async (folder) => {
    for (let turn = 0; turn < 5; turn++) {
      const listener = new Listener(at_path(folder.join("server")));
      const accepting = assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
      await listener.close();
      await listener.close();
      await accepting;
      assertEquals(await names_in(folder), []);
      await assertRejects(async () => await listener.accept(), Deno.errors.BadResource);
    }
  });

  test_unix("closes connections that nobody took", async (folder) => {
    const listener = new Listener(at_path(folder.join("server")));
    using client = await connect_to(folder.join("server"));
    await listener.close();
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
  });

  test_unix("says why it cannot listen, and leaves nothing", async (folder) => {
    assertThrows(() => new Listener(at_path(folder.join("no/server"))), Deno.errors.NotFound);
    assertEquals(await names_in(folder), []);
  });
}

// Renaming one name of a file to another of the same file leaves both (rename(2)).
Deno.test("HandoverListener at a path stops when its backlog is full, and loses nobody", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("server");
  const listener = new HandoverListener(at_path(path, 4));
  const clients = await connect_until_full(path);
  assert(clients.length >= 4, `it holds ${clients.length} only`);
  assertEquals(await names_in(folder), ["server"]);
  for (const client of clients) {
    using socket = await soon(Promise.resolve(listener.accept()));
    await socket.sendall(bytes_of("taken"));
    await socket.closeWrite();
    assertEquals(text_of(await soon(read_to_end(client))), "taken");
    client.close();
  }
  assertEquals(await names_in(folder), ["server"]);
  using client = await connect_to(path);
  using socket = await soon(Promise.resolve(listener.accept()));
  await client.write(bytes_of("late"));
  assertEquals(text_of(await socket.recv(100)), "late");
  await listener.close();
  assertEquals(await names_in(folder), []);
});

Deno.test("HandoverListener frees its path also while it is stopped", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using folder = await TempFolder.make();
  const listener = new HandoverListener(at_path(folder.join("server"), 1));
  const clients = await connect_until_full(folder.join("server"));
  await listener.close();
  assertEquals(await names_in(folder), []);
  for (const client of clients) {
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
    client.close();
  }
});

/** Connects until the system refuses, which is when nobody accepts and it holds what it may. */
async function connect_until_full(path: string): Promise<Deno.UnixConn[]> {
  const clients: Deno.UnixConn[] = [];
  for (;;) {
    assert(clients.length < 1000, "it does not stop");
    try {
      clients.push(await connect_to(path));
    } catch {
      return clients;
    }
  }
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

Deno.test("HandoverListener hands out a flood, and can be closed in the middle of one", async () => {
  const connect = (count: number, { port }: Deno.NetAddr) =>
    Promise.all(Array.from({ length: count }, () => Deno.connect({ hostname: OWN_ADDRESS, port })));
  const listener = new HandoverListener({ ...HERE, backlog: 1000 });
  const clients = await connect(300, listener.addr);
  const ports = new Set<number>();
  for (const _ of clients) {
    using socket = await soon(Promise.resolve(listener.accept()));
    ports.add(socket.remoteAddr.port);
  }
  assertEquals(ports, new Set(clients.map(({ localAddr }) => localAddr.port)));
  const late = await connect(300, listener.addr);
  await listener.close();
  for (const client of [...clients, ...late]) client.close();
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

/** How many connections wait in the system for who listens at a port (see proc(5), `rx_queue`). */
async function waiting_at(port: number): Promise<number> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await Deno.readTextFile("/proc/net/tcp")).split("\n");
  const fields = lines.map((line) => line.trim().split(/\s+/))
    .find(([, local, , state]) => local?.endsWith(wanted) && state === "0A");
  return parseInt(fields![4]!.split(":")[1]!, 16);
}

Deno.test("HandoverListener accepts nothing while it is suspended, and then all that has waited", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const listener = new HandoverListener(HERE);
  const { hostname, port } = listener.addr;
  const clients: Deno.TcpConn[] = [];
  for (let round = 0; round < 3; round++) {
    listener.suspend();
    listener.suspend();
    await turn();
    for (let n = 0; n < 5; n++) clients.push(await Deno.connect({ hostname, port }));
    await turn();
    assertEquals(await waiting_at(port), 5);
    listener.resume();
    listener.resume();
    for (let n = 0; n < 5; n++) (await soon(Promise.resolve(listener.accept()))).close();
    assertEquals(await waiting_at(port), 0);
  }
  listener.suspend();
  await turn();
  await listener.close();
  for (const client of clients) client.close();
  Deno.listen({ hostname, port }).close();
});

Deno.test("HandoverListener whose pace is slow leaves most of a flood to the system", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const listener = new HandoverListener({ ...HERE, backlog: 4096 });
  listener.pace(10);
  const { hostname, port } = listener.addr;
  // A turn of the event loop brings up to 128.
  const connect = () => Deno.connect({ hostname, port });
  const clients: Deno.TcpConn[] = [];
  while (clients.length < 600) {
    clients.push(...await Promise.all(Array.from({ length: 50 }, connect)));
  }
  await soon(until(async () => await waiting_at(port) > 300));
  for (const _ of clients) (await soon(Promise.resolve(listener.accept()))).close();
  for (const client of clients) client.close();
  await listener.close();
});

Deno.test("HandoverListener asks the system again and again while it hands out what has come", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const listener = new HandoverListener({ ...HERE, backlog: 1000 });
  const { hostname, port } = listener.addr;
  const connect = () => Deno.connect({ hostname, port });
  const clients = await Promise.all(Array.from({ length: 600 }, connect));
  await soon(until(async () => await waiting_at(port) === 0));
  const accept = async () => (await listener.accept()).close();
  let handed = 0;
  let connected_at = 0;
  const late = connect().then((client) => {
    connected_at = handed;
    clients.push(client);
  });
  // Not soon(): its clock would give the event loop a turn each time.
  for (; handed < 600; handed++) await accept();
  await soon(late);
  await soon(accept());
  assert(connected_at < 600, "nothing else had a turn");
  for (const client of clients) client.close();
  await listener.close();
});
