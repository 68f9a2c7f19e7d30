/** What all datagram listeners do. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import dgram from "node:dgram";
import { AsyncUDPServer } from "../../../mod.ts";
import { accept_error_class, PacketTooLong } from "../../../server/requests/accept_errors.ts";
import { DenoDatagramListener } from "../../../server/listeners/deno_datagram_listener.ts";
import type {
  DatagramListener,
  DatagramListenOptions,
} from "../../../server/listeners/listener.ts";
import { NodeDatagramListener } from "../../../server/listeners/node_datagram_listener.ts";
import { NativeDatagramListener } from "../../../packages/native/native_datagram_listener.ts";
import { has_ipv6, OWN_ADDRESS } from "../../fixtures/tools/addresses.ts";
import { bytes_of, pattern, same_bytes, text_of } from "../../fixtures/tools/bytes.ts";
import { DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { UpperPacketHandler } from "../../fixtures/handlers/handlers.ts";
import { HAS_NATIVE } from "../../fixtures/servers/named_servers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { is_there, output_of } from "../../fixtures/programs/programs.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

type Options = DatagramListenOptions<Deno.NetAddr>;

/** Where to listen. */
function at(hostname: string, port = 0, options: Partial<Options> = {}): Options {
  const addr: Deno.NetAddr = { transport: "udp", hostname, port };
  return { addr, backlog: 16, reuse_address: false, max_packet_size: 65_507, ...options };
}

const HERE = at("127.0.0.1");
const EMPTY = new Uint8Array(0);

/** The classes, with one type. */
interface ListenerClass {
  name: string;
  make(options: Options): DatagramListener<Deno.NetAddr>;
}

/** Those that join groups. */
const JOINING: ListenerClass[] = [
  { name: "NodeDatagramListener", make: (options) => new NodeDatagramListener(options) },
];
if (HAS_NATIVE) {
  const make = (options: Options) => new NativeDatagramListener(options);
  JOINING.push({ name: "NativeDatagramListener", make });
}

/** All of them. */
const LISTENERS: ListenerClass[] = [
  { name: "DenoDatagramListener", make: (options) => new DenoDatagramListener(options) },
  ...JOINING,
];

/** The next datagram as text, and its sender. */
async function take<A extends Deno.Addr>(listener: DatagramListener<A>): Promise<[string, A]> {
  const [[packet], sender] = await soon(Promise.resolve(listener.accept()));
  return [text_of(packet), sender];
}

for (const { name: listener_name, make } of LISTENERS) {
  const test = (name: string, run: () => Promise<void>, ignore = false) =>
    Deno.test(`${listener_name} ${name}`, { ignore }, run);

  test("has the real port at once, receives and replies", async () => {
    const listener = make(HERE);
    assert(listener.addr.port > 0);
    assertEquals(listener.closed, false);
    using client = new DatagramClient(listener.addr);
    await client.send("question");
    const [[packet, socket], sender] = await listener.accept();
    assertEquals(text_of(packet), "question");
    assertEquals(sender, client.addr);
    assertEquals(socket.addr, listener.addr);
    assertEquals(await socket.sendto(bytes_of("answer"), sender), 6);
    assertEquals(text_of(await client.receive()), "answer");
    assertEquals(await listener.send(EMPTY, sender), 0);
    assertEquals(await client.receive(), EMPTY);
    await listener.close();
    assertEquals(listener.closed, true);
  });

  test("receives datagrams whole, the empty and the longest too", async () => {
    const listener = make(HERE);
    using client = new DatagramClient(listener.addr);
    for (const length of [0, 1, 1500, 65_507, 0]) {
      const sent = pattern(length);
      const accepting = listener.accept();
      await client.send(sent);
      const [[packet, socket], sender] = await soon(Promise.resolve(accepting));
      assert(same_bytes(packet, sent), `${packet.length} of ${length} bytes`);
      await socket.sendto(packet, sender);
      assert(same_bytes(await client.receive(), sent), `the reply of ${length} bytes`);
    }
    await listener.close();
  });

  test("keeps what comes while nobody waits, in its order", async () => {
    const listener = make(HERE);
    using client = new DatagramClient(listener.addr);
    const sent = ["one", "", "two", "three"];
    for (const text of sent) await client.send(text);
    const packets: Uint8Array[] = [];
    for (const _ of sent) packets.push((await soon(Promise.resolve(listener.accept())))[0][0]);
    assertEquals(packets.map(text_of), sent, "a later one overwrites an earlier one");
    await listener.close();
  });

  test("drops a datagram longer than max_packet_size, and gets the next", async () => {
    const listener = make(at("127.0.0.1", 0, { max_packet_size: 4 }));
    using client = new DatagramClient(listener.addr);
    for (const text of ["four", "five!", "far too long", "next"]) await client.send(text);
    assertEquals((await take(listener))[0], "four");
    const { hostname, port } = client.addr as Deno.NetAddr;
    for (let turn = 0; turn < 2; turn++) {
      const error = await assertRejects(() => take(listener), PacketTooLong);
      assert(error.message.includes(`${hostname}:${port}`), error.message);
      assert(error.message.includes("max_packet_size = 4"), error.message);
      assertEquals(error.code, "EMSGSIZE");
      assertEquals(accept_error_class(error), "retry");
    }
    assertEquals((await take(listener))[0], "next");
    const accepting = assertRejects(() => take(listener), PacketTooLong);
    await client.send("five!");
    await accepting;
    await listener.close();
  });

  test("frees the port before close() resolves, also while it accepts", async () => {
    let port = 0;
    for (let turn = 0; turn < 5; turn++) {
      const listener = make(at(OWN_ADDRESS, port));
      port = listener.addr.port;
      const accepting = assertRejects(() => take(listener));
      await Promise.all([listener.close(), listener.close()]);
      await listener.close();
      await accepting;
      await assertRejects(() => take(listener), Deno.errors.BadResource);
    }
  });

  test("ends an accept() under way at close() as Listener says", async () => {
    const listener = make(HERE);
    const accepting = assertRejects(() => take(listener), Deno.errors.BadResource);
    await listener.close();
    await accepting;
  });

  test("forgets at close() what has come", async () => {
    const listener = make(HERE);
    using client = new DatagramClient(listener.addr);
    await client.send("one");
    await client.send("two");
    assertEquals((await take(listener))[0], "one");
    await listener.close();
    await assertRejects(() => take(listener), Deno.errors.BadResource);
  });

  test("cannot send any more after close()", async () => {
    const listener = make(HERE);
    using client = new DatagramClient(listener.addr);
    await listener.close();
    const send = () => listener.send(EMPTY, client.addr as Deno.NetAddr);
    await assertRejects(send, Deno.errors.BadResource);
  });

  test("says why it cannot bind, and leaves nothing", async () => {
    const first = make(at(OWN_ADDRESS));
    const { port } = first.addr;
    assertThrows(() => make(at(OWN_ADDRESS, port)), Deno.errors.AddrInUse);
    await first.close();
    assertThrows(() => make(at("192.0.2.1")), Deno.errors.AddrNotAvailable);
    assertThrows(() => make(at("no such host")));
    await make(at(OWN_ADDRESS, port)).close();
  });

  test("takes names and IPv6 addresses", async () => {
    for (const hostname of has_ipv6() ? ["localhost", "::1", "0.0.0.0"] : ["localhost"]) {
      const listener = make(at(hostname));
      const { port } = listener.addr;
      const dial = hostname === "0.0.0.0" ? "127.0.0.1" : listener.addr.hostname;
      using client = new DatagramClient({ transport: "udp", hostname: dial, port }, dial);
      await client.send("question");
      const [[packet, socket], sender] = await soon(Promise.resolve(listener.accept()));
      assertEquals(sender, client.addr);
      await socket.sendto(packet, sender);
      assertEquals(text_of(await client.receive()), "question");
      await listener.close();
    }
  });

  test("sends to a name that has only an IPv4 address, over IPv6 too", async () => {
    const listener = make(at("::"));
    using client = new DatagramClient(listener.addr, "127.0.0.1");
    const { port } = client.addr as Deno.NetAddr;
    await listener.send(bytes_of("hello"), { ...listener.addr, hostname: "localhost", port });
    assertEquals(text_of(await client.receive()), "hello");
    await listener.close();
  }, !has_ipv6());

  test("sends to a name", async () => {
    const listener = make(HERE);
    using client = new DatagramClient(listener.addr);
    await client.send("question");
    const [[, socket], { port }] = await soon(Promise.resolve(listener.accept()));
    await socket.sendto(bytes_of("answer"), ["localhost", port]);
    assertEquals(text_of(await client.receive()), "answer");
    await listener.close();
  });

  test("sends to a broadcast address", async () => {
    const listener = make(at("127.0.0.1"));
    // At that of the loopback interface, which all others leave alone.
    using client = new DatagramClient(listener.addr, "127.255.255.255");
    const { port } = client.addr as Deno.NetAddr;
    await listener.send(bytes_of("to all"), {
      ...listener.addr,
      hostname: "127.255.255.255",
      port,
    });
    assertEquals(text_of(await client.receive()), "to all");
    await listener.close();
  }, Deno.build.os !== "linux");

  test("says why it cannot send", async () => {
    const family = { code: "EAFNOSUPPORT", Class: Error };
    const unreachable = { code: "ENETUNREACH", Class: Deno.errors.NetworkUnreachable };
    for (
      const [from, to, { code, Class }] of [
        ["127.0.0.1", "::1", family],
        ["127.0.0.1", "::ffff:127.0.0.1", family],
        ["::1", "127.0.0.1", unreachable],
        ["::1", "::ffff:127.0.0.1", unreachable],
      ] as const
    ) {
      const listener = make(at(from));
      const address: Deno.NetAddr = { transport: "udp", hostname: to, port: 9 };
      const error = await assertRejects(() => listener.send(EMPTY, address), Class);
      assertEquals((error as Error & { code?: string }).code, code, `from ${from} to ${to}`);
      await listener.close();
    }
  }, Deno.build.os !== "linux" || !has_ipv6());

  test("sends to an IPv6 address in brackets, as URLs have them", async () => {
    const listener = make(at("::1"));
    using client = new DatagramClient(listener.addr, "::1");
    await client.send("question");
    const [[, socket], { port }] = await soon(Promise.resolve(listener.accept()));
    await socket.sendto(bytes_of("answer"), ["[::1]", port]);
    assertEquals(text_of(await client.receive()), "answer");
    await listener.close();
  }, !has_ipv6());

  test("refuses to send too much, and to port 0", async () => {
    const listener = make(HERE);
    const send = (length: number, port: number) => () =>
      listener.send(new Uint8Array(length), { ...listener.addr, port });
    await assertRejects(send(1, 0), RangeError, "port 0");
    const error = await assertRejects(send(70_000, 9), Error);
    assertEquals((error as Error & { code?: string }).code, "EMSGSIZE");
    await listener.close();
  });

  test("at all interfaces sees an IPv4 client with its IPv4 address, and replies", async () => {
    const listener = make(at("::"));
    const { port } = listener.addr;
    for (const hostname of ["127.0.0.1", "::1"]) {
      using client = new DatagramClient({ transport: "udp", hostname, port }, hostname);
      await client.send("question");
      const [[, socket], sender] = await soon(Promise.resolve(listener.accept()));
      assertEquals(sender, client.addr);
      await socket.sendto(bytes_of("answer"), sender);
      assertEquals(text_of(await client.receive()), "answer");
    }
    await listener.close();
  }, !has_ipv6());

  test("shares its address with another that says so, too", async () => {
    const first = make(at(OWN_ADDRESS, 0, { reuse_address: true }));
    const { port } = first.addr;
    assertThrows(() => make(at(OWN_ADDRESS, port)), Deno.errors.AddrInUse);
    const second = make(at(OWN_ADDRESS, port, { reuse_address: true }));
    using client = new DatagramClient(second.addr);
    await client.send("who?");
    // Which of them gets it, other systems decide otherwise.
    if (Deno.build.os === "linux") assertEquals((await take(second))[0], "who?");
    await first.close();
    await second.close();
  });

  test("goes on when a client is gone before the reply", async () => {
    const listener = make(HERE);
    using stays = new DatagramClient(listener.addr);
    for (let turn = 0; turn < 3; turn++) {
      const goes = new DatagramClient(listener.addr);
      await goes.send("question");
      const [[packet, socket], sender] = await soon(Promise.resolve(listener.accept()));
      goes[Symbol.dispose]();
      await socket.sendto(packet, sender);
      await stays.send("still there?");
      assertEquals((await take(listener))[0], "still there?");
    }
    await listener.close();
  });
}

/** A listener over `node:dgram`, and how many datagrams have come to it. */
function counted(options: Options): { listener: NodeDatagramListener; count: () => number } {
  const { createSocket } = dgram;
  let count = 0;
  Object.assign(dgram, {
    createSocket: (...args: Parameters<typeof createSocket>) =>
      createSocket(...args).on("message", () => count++),
  });
  try {
    return { listener: new NodeDatagramListener(options), count: () => count };
  } finally {
    Object.assign(dgram, { createSocket });
  }
}

Deno.test("NodeDatagramListener loses what exceeds its backlog, and goes on", async () => {
  const { listener, count } = counted(at("127.0.0.1", 0, { backlog: 3 }));
  using client = new DatagramClient(listener.addr);
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 6; n++) await client.send(`${round}.${n}`);
    await until(() => count() === (round + 1) * 6 + round);
    for (let n = 0; n < 3; n++) assertEquals((await take(listener))[0], `${round}.${n}`);
    const next = take(listener);
    await client.send("next");
    assertEquals((await next)[0], "next");
  }
  await listener.close();
});

Deno.test("NodeDatagramListener keeps 8 MiB at most, and loses the rest", async () => {
  const { listener, count } = counted(at("127.0.0.1", 0, { backlog: 4096 }));
  using client = new DatagramClient(listener.addr);
  const packet = pattern(65_507);
  for (let n = 1; n <= 140; n++) {
    await client.send(packet);
    await until(() => count() === n);
  }
  const fit = Math.floor(8_388_608 / packet.length);
  for (let n = 0; n < fit; n++) {
    const [[taken]] = await soon(Promise.resolve(listener.accept()));
    assert(same_bytes(taken, packet), `packet ${n}`);
  }
  const next = take(listener);
  await client.send("next");
  assertEquals((await next)[0], "next");
  await listener.close();
});

/** A test in a folder with paths. */
function test_unix(
  name: string,
  run: (
    folder: TempFolder,
    make: (name: string, max_packet_size?: number) => DenoDatagramListener<Deno.UnixAddr>,
  ) => Promise<void>,
  ignore = Deno.build.os === "windows",
): void {
  Deno.test(`DenoDatagramListener at a path ${name}`, { ignore }, async () => {
    await using folder = await TempFolder.make();
    await run(folder, (name, max_packet_size = 65_507) => {
      const addr: Deno.UnixAddr = { transport: "unixpacket", path: folder.join(name) };
      return new DenoDatagramListener({ addr, backlog: 1, reuse_address: false, max_packet_size });
    });
  });
}

async function names_in({ path }: TempFolder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

test_unix("receives, replies, and is gone after close()", async (folder, make) => {
  const listener = make("server");
  using client = new DatagramClient(listener.addr, folder.join("client"));
  for (const length of [0, 1, 65_507]) {
    const sent = pattern(length);
    await client.send(sent);
    const [[packet, socket], sender] = await soon(listener.accept());
    assertEquals(sender, { transport: "unixpacket", path: folder.join("client") });
    assert(same_bytes(packet, sent), `${packet.length} of ${length} bytes`);
    await socket.sendto(packet, sender);
    assert(same_bytes(await client.receive(), sent), `the reply of ${length} bytes`);
  }
  await listener.close();
  assertEquals(await names_in(folder), ["client"]);
});

test_unix("sees a client without a name, and cannot send to it", async (_folder, make) => {
  const listener = make("server");
  const accepting = listener.accept();
  await output_of("socat", ["-u", "-", `UNIX-SENDTO:${listener.addr.path}`], "from nobody");
  const [[packet, socket], sender] = await soon(accepting);
  assertEquals(text_of(packet), "from nobody");
  assertEquals(sender, { transport: "unixpacket", path: "" });
  await assertRejects(() => socket.sendto(packet, sender), TypeError);
  await listener.close();
}, !is_there("socat"));

test_unix("drops a datagram longer than max_packet_size", async (folder, make) => {
  const listener = make("server", 4);
  using client = new DatagramClient(listener.addr, folder.join("client"));
  for (const text of ["five!", "next"]) await client.send(text);
  const error = await assertRejects(() => take(listener), PacketTooLong);
  assert(error.message.includes(folder.join("client")), error.message);
  assertEquals((await take(listener))[0], "next");
  await listener.close();
});

test_unix("frees it before close() resolves, also while it accepts", async (folder, make) => {
  for (let turn = 0; turn < 5; turn++) {
    const listener = make("server");
    const accepting = assertRejects(() => take(listener));
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
    await accepting;
    assertEquals(await names_in(folder), []);
  }
});

test_unix("goes on when a client is gone before the reply", async (folder, make) => {
  const listener = make("server");
  const goes = new DatagramClient(listener.addr, folder.join("client"));
  await goes.send("question");
  const [[packet, socket], sender] = await soon(listener.accept());
  goes[Symbol.dispose]();
  const error = await assertRejects(() => socket.sendto(packet, sender));
  assertInstanceOf(error, Deno.errors.ConnectionRefused);
  await Deno.remove(folder.join("client"));
  await assertRejects(() => socket.sendto(packet, sender), Deno.errors.NotFound);
  using stays = new DatagramClient(listener.addr, folder.join("client"));
  await stays.send("still there?");
  assertEquals((await take(listener))[0], "still there?");
  await listener.close();
});

Deno.test({
  name: "NodeDatagramListener says that a permission for the client is missing",
  permissions: { net: ["127.0.0.1:0"] },
  async fn() {
    const addr = { transport: "udp", hostname: "127.0.0.1", port: 0 } as const;
    const options = { addr, reuse_address: false, backlog: 1, max_packet_size: 10 };
    const listener = new NodeDatagramListener(options);
    const sending = listener.send(new Uint8Array(1), { ...addr, port: 9 });
    await assertRejects(() => sending, Deno.errors.NotCapable, '"127.0.0.1:9"');
    await listener.close();
  },
});

for (const Listener of [DenoDatagramListener, NodeDatagramListener]) {
  Deno.test({
    name: `${Listener.name} sends to a name of which one port is permitted, and to no other`,
    permissions: { net: ["127.0.0.1", "localhost:9"] },
    async fn() {
      const listener = new Listener(HERE);
      const send = (hostname: string, port: number) =>
        soon(listener.send(bytes_of("hello"), { ...listener.addr, hostname, port }));
      assertEquals(await send("localhost", 9), 5);
      await assertRejects(() => send("localhost", 10), Deno.errors.NotCapable, "localhost:10");
      // Deno cannot even say whether these are permitted.
      for (const odd of ["[localhost]", "no such host"]) {
        await assertRejects(() => send(odd, 9), Error, odd);
      }
      await listener.close();
    },
  });
}

/** A group that nobody else uses, on the loopback interface. */
const GROUP = `239.${OWN_ADDRESS.split(".").slice(1).join(".")}`;
const linux_only = { ignore: Deno.build.os !== "linux" };

for (const { name: listener_name, make } of JOINING) {
  Deno.test(
    `${listener_name} receives what is sent to its groups, and to no others`,
    linux_only,
    async () => {
      const listener = make(at("0.0.0.0", 0, { groups: [`${GROUP}%127.0.0.1`] }));
      const { port } = listener.addr;
      const send = async (hostname: string, text: string) => {
        using client = new DatagramClient({ transport: "udp", hostname, port });
        await client.send(text);
      };
      await send("239.255.1.2", "to others");
      await send(GROUP, "to the group");
      await send("127.0.0.1", "to the server");
      assertEquals((await take(listener))[0], "to the group");
      assertEquals((await take(listener))[0], "to the server");
      await listener.close();
    },
  );

  Deno.test(`${listener_name} joins groups of IPv6`, {
    ignore: Deno.build.os !== "linux" || !has_ipv6(),
  }, async () => {
    const listener = make(at("::", 0, { groups: ["ff02::1234%lo"] }));
    const joined = await Deno.readTextFile("/proc/net/igmp6");
    assert(/ lo +ff020{24}1234 /.test(joined), joined);
    await listener.close();
  });

  Deno.test(`${listener_name} joins no group of IPv6 at an interface that was not asked for`, {
    ignore: Deno.build.os !== "linux" || !has_ipv6(),
  }, () => {
    for (const zone of ["0", "99999", `${2 ** 32 + 1}`]) {
      const group = `ff02::1235%${zone}`;
      const options = at("::", 0, { groups: [group] });
      assertThrows(() => make(options), Error, `Cannot join the multicast group ${group}`);
    }
  });

  Deno.test(
    `${listener_name} says which group it cannot join, and is not bound then`,
    linux_only,
    async () => {
      const first = make(at(OWN_ADDRESS));
      const { port } = first.addr;
      await first.close();
      for (
        const group of ["ff02::1", "239.1.2.3%203.0.113.5", "224.0.0.1%nowhere", "ff02::1%nowhere"]
      ) {
        const options = at(OWN_ADDRESS, port, { groups: [group] });
        assertThrows(
          () => make(options),
          Error,
          `Cannot join the multicast group ${group}`,
        );
        await turn();
      }
      await make(at(OWN_ADDRESS, port)).close();
    },
  );

  Deno.test(
    `${listener_name} without broadcast says that it is why it cannot send`,
    linux_only,
    async () => {
      const listener = make(at("127.0.0.1", 0, { broadcast: false }));
      const address = { ...listener.addr, hostname: "127.255.255.255" };
      const send = () => listener.send(EMPTY, address);
      const error = await assertRejects(send, Deno.errors.PermissionDenied, "broadcast is false");
      assertEquals((error as Error & { code?: string }).code, "EACCES");
      await listener.close();
    },
  );
}

Deno.test("NodeDatagramListener wants the name of an interface, not its number", {
  ignore: Deno.build.os !== "linux" || !has_ipv6(),
}, () => {
  const options = at("::", 0, { groups: ["ff02::1235%1"] });
  assertThrows(
    () => new NodeDatagramListener(options),
    Error,
    "put the name of the interface there",
  );
});

Deno.test("NativeDatagramListener joins groups at the number of an interface", {
  ignore: !HAS_NATIVE || !has_ipv6(),
}, async () => {
  const interfaces = await Deno.readTextFile("/proc/net/igmp6");
  const [, number] = /^(\d+) +lo /m.exec(interfaces)!;
  const listener = new NativeDatagramListener(at("::", 0, { groups: [`ff02::1236%${number}`] }));
  const joined = await Deno.readTextFile("/proc/net/igmp6");
  assert(/ lo +ff020{24}1236 /.test(joined), joined);
  await listener.close();
});

Deno.test(
  "UDPServer takes groups and broadcast, also where Deno has datagram sockets",
  linux_only,
  async () => {
    const options = { broadcast: false, multicast_groups: [`${GROUP}%127.0.0.1`] };
    const server = new AsyncUDPServer(["", 0], UpperPacketHandler, options);
    await using _serving = serving(server);
    const { port } = server.server_address;
    using client = new DatagramClient({ transport: "udp", hostname: GROUP, port });
    assertEquals(await client.ask("hello"), "HELLO");
    const broadcast = { ...server.server_address, hostname: "127.255.255.255" };
    await assertRejects(() => server.socket!.send(EMPTY, broadcast), Deno.errors.PermissionDenied);
  },
);
