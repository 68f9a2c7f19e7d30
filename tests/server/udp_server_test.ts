/** What UDP servers do, over Deno's sockets, over `node:dgram` and over the C library. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  BaseRequestHandler,
  type DatagramRequest,
  DatagramRequestHandler,
  type UDPServer,
} from "../../mod.ts";
import { PacketTooLong } from "../../server/requests/accept_errors.ts";
import { has_ipv6, OWN_ADDRESS } from "../fixtures/tools/addresses.ts";
import { bytes_of, pattern, same_bytes, text_of } from "../fixtures/tools/bytes.ts";
import { ask_udp, DatagramClient } from "../fixtures/clients/datagrams.ts";
import { type NotingUDPServer, test_udp } from "../fixtures/servers/udp_servers.ts";
import { made_with } from "../fixtures/programs/make_server.ts";
import { is_there, output_of } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** Sends back what comes, an empty datagram too. */
class EchoHandler extends BaseRequestHandler<UDPServer, DatagramRequest> {
  override async handle(): Promise<void> {
    const [packet, socket] = this.request;
    await socket.sendto(packet, this.client_address);
  }
}

/** Answers in upper case. */
class UpperHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(text_of(this.packet).toUpperCase());
  }
}

/** Notes the calls of these hooks. */
function noting_calls(
  server: NotingUDPServer,
  ...names: ("shutdown_request" | "close_request")[]
): NotingUDPServer {
  for (const name of names) {
    const hook = server[name];
    server[name] = (request) => {
      server.log.add(`${name} ${text_of(request[0])}`);
      return hook.call(server, request);
    };
  }
  return server;
}

test_udp("clients get their replies, each its own", async ({ make }) => {
  await using server = serving(make(UpperHandler));
  assert(server.server_address.port > 0);
  assertEquals(server.server_address, server.socket?.addr);
  const texts = Array.from({ length: 20 }, (_, n) => `client ${n}`);
  const replies = await Promise.all(texts.map((text) => ask_udp(server.server_address, text)));
  assertEquals(replies, texts.map((text) => text.toUpperCase()));
  assertEquals(await ask_udp(server.server_address, "grüße é ß"), "GRÜSSE É SS");
});

test_udp("datagrams of 0 to 65,507 bytes pass whole, both ways", async ({ make }) => {
  await using server = serving(make(EchoHandler));
  using client = new DatagramClient(server.server_address);
  for (const length of [0, 1, 1472, 1473, 65_507, 0]) {
    const sent = pattern(length);
    await client.send(sent);
    assert(same_bytes(await client.receive(), sent), `${length} bytes`);
  }
});

test_udp("one at a time handles datagrams in their order", async ({ make }) => {
  await using server = serving(make(EchoHandler));
  using client = new DatagramClient(server.server_address);
  const texts = Array.from({ length: 50 }, (_, n) => `${n}`);
  for (const text of texts) await client.send(text);
  const replies: string[] = [];
  for (const _ of texts) replies.push(text_of(await client.receive()));
  assertEquals(replies, texts);
}, { fits: ({ concurrent }) => !concurrent });

test_udp("a handler that waits does not hold up others", async ({ make }) => {
  const { promise: second_came, resolve } = Promise.withResolvers<void>();
  class MeetingHandler extends DatagramRequestHandler {
    override async handle(): Promise<void> {
      if (text_of(this.packet) === "first") await second_came;
      else resolve();
      await this.wfile.write(this.packet);
    }
  }
  await using server = serving(make(MeetingHandler));
  using first = new DatagramClient(server.server_address);
  await first.send("first");
  assertEquals(await ask_udp(server.server_address, "second"), "second");
  assertEquals(text_of(await first.receive()), "first");
}, { fits: ({ concurrent }) => concurrent });

test_udp("packets of waiting handlers are not overwritten by later ones", async ({ make }) => {
  const { promise: all_came, resolve } = Promise.withResolvers<void>();
  let count = 0;
  class LateHandler extends DatagramRequestHandler {
    override async handle(): Promise<void> {
      if (++count === 3) resolve();
      await all_came;
      await this.wfile.write(this.packet);
    }
  }
  await using server = serving(make(LateHandler));
  using client = new DatagramClient(server.server_address);
  for (const text of ["one", "two", "six"]) await client.send(text);
  const replies: string[] = [];
  for (let n = 0; n < 3; n++) replies.push(text_of(await client.receive()));
  assertEquals(replies.sort(), ["one", "six", "two"]);
}, { fits: ({ concurrent }) => concurrent });

test_udp("a datagram that verify_request() refuses gets no reply", async ({ make }) => {
  const server = make(UpperHandler);
  server.verify_request = ([packet]) => text_of(packet) !== "bad";
  await using _closing = serving(server);
  using client = new DatagramClient(server.server_address);
  await client.send("bad");
  assertEquals(await client.ask("good"), "GOOD");
  const { accepted, refused } = server.info();
  assertEquals({ accepted, refused }, { accepted: 2, refused: 1 });
});

test_udp("shutdown_request() and close_request() are called once for each datagram", async ({
  make,
}) => {
  const server = noting_calls(make(UpperHandler), "shutdown_request", "close_request");
  server.verify_request = ([packet]) => text_of(packet) !== "bad";
  await using _closing = serving(server);
  using client = new DatagramClient(server.server_address);
  await client.send("bad");
  assertEquals(await client.ask("good"), "GOOD");
  await soon(server.log.until(({ entries }) => entries.length >= 4));
  await soon(server.server_close());
  const calls = ["bad", "good"].flatMap((text) => [
    `shutdown_request ${text}`,
    `close_request ${text}`,
  ]);
  assertEquals(server.log.entries, calls);
});

test_udp("handle_request() takes one datagram, and the next call the next", async ({ make }) => {
  await using server = make(UpperHandler);
  using client = new DatagramClient(server.server_address);
  await client.send("one");
  await client.send("two");
  for (const reply of ["ONE", "TWO"]) {
    await soon(server.handle_request());
    assertEquals(text_of(await client.receive()), reply);
  }
});

test_udp("handle_request() calls handle_timeout(), and loses no later datagram", async ({
  make,
}) => {
  await using server = make(UpperHandler, { timeout: 10 });
  server.handle_timeout = () => server.log.add("handle_timeout");
  await soon(server.handle_request());
  assertEquals(server.log.entries, ["handle_timeout"]);
  using client = new DatagramClient(server.server_address);
  await client.send("late");
  server.timeout = null;
  await soon(server.handle_request());
  assertEquals(text_of(await client.receive()), "LATE");
  assertEquals(server.log.entries, ["handle_timeout"]);
});

test_udp("with bind_and_activate: false it binds when it is told", async ({ make }) => {
  await using server = make(UpperHandler, { bind_and_activate: false });
  assertEquals(server.server_address, { transport: "udp", hostname: "127.0.0.1", port: 0 });
  assertEquals(server.socket, undefined);
  await server.server_bind();
  await server.server_activate();
  assert(server.server_address.port > 0);
  await using _closing = serving(server);
  assertEquals(await ask_udp(server.server_address, "hello"), "HELLO");
});

test_udp("a client that is gone before its reply does not end the loop", async ({ make }) => {
  const goes: DatagramClient[] = [];
  class LateHandler extends DatagramRequestHandler {
    override async handle(): Promise<void> {
      if (text_of(this.packet) === "going") goes.pop()![Symbol.dispose]();
      await this.wfile.write(this.packet);
    }
  }
  await using server = serving(make(LateHandler));
  for (let turn = 0; turn < 5; turn++) {
    const client = new DatagramClient(server.server_address);
    goes.push(client);
    await client.send("going");
    assertEquals(await ask_udp(server.server_address, "staying"), "staying");
  }
  assertEquals(server.log.errors, []);
  assertEquals(server.info().completed, 10);
});

test_udp("a datagram longer than max_packet_size goes to handle_error()", async ({ make }) => {
  await using server = serving(make(UpperHandler, { max_packet_size: 4 }));
  using client = new DatagramClient(server.server_address);
  await client.send("far too long");
  assertEquals(await client.ask("four"), "FOUR");
  const { errors } = server.log;
  assertEquals(errors.length, 1);
  assertInstanceOf(errors[0], PacketTooLong);
  assertEquals(server.info().accepted, 1);
});

test_udp("a handler may answer with several datagrams, or another client", async ({ make }) => {
  class ForwardingHandler extends DatagramRequestHandler {
    override async handle(): Promise<void> {
      const port = Number(text_of(this.packet));
      await this.socket.sendto(bytes_of("forwarded"), ["127.0.0.1", port]);
      await this.socket.sendto(bytes_of("one"), this.client_address);
      await this.socket.sendto(bytes_of("two"), this.client_address);
    }
  }
  await using server = serving(make(ForwardingHandler));
  using client = new DatagramClient(server.server_address);
  using other = new DatagramClient(server.server_address);
  assertEquals(await client.ask(`${(other.addr as Deno.NetAddr).port}`), "one");
  assertEquals(text_of(await client.receive()), "two");
  assertEquals(text_of(await other.receive()), "forwarded");
});

test_udp("the server can be used again after shutdown()", async ({ make }) => {
  await using server = make(UpperHandler);
  using client = new DatagramClient(server.server_address);
  for (const text of ["one", "two"]) {
    const loop = server.serve_forever();
    assertEquals(await client.ask(text), text.toUpperCase());
    await soon(server.shutdown());
    await soon(loop);
    // It waits in the system until the server serves again.
    await client.send("between");
    await soon(server.handle_request());
    assertEquals(text_of(await client.receive()), "BETWEEN");
  }
});

test_udp("the port is free as soon as server_close() has resolved", async ({ make }) => {
  let port = 0;
  for (let turn = 0; turn < 3; turn++) {
    const server = make(UpperHandler, {}, [OWN_ADDRESS, port]);
    port = server.server_address.port;
    const loop = server.serve_forever();
    assertEquals(await ask_udp(server.server_address, "one"), "ONE");
    await soon(server.server_close());
    await soon(loop);
    assertEquals(server.info().state, "closed");
    assertEquals(server.log.errors, []);
  }
});

test_udp("an error at binding names the address", async ({ make }) => {
  await using server = make(UpperHandler);
  const { port } = server.server_address;
  assertThrows(
    () => make(UpperHandler, {}, ["127.0.0.1", port]),
    Deno.errors.AddrInUse,
    `127.0.0.1:${port}`,
  );
  assertThrows(
    () => make(UpperHandler, {}, ["192.0.2.1", 0]),
    Deno.errors.AddrNotAvailable,
    "192.0.2.1:0",
  );
});

test_udp("allow_reuse_address lets a second server take over", async ({ make }) => {
  await using first = make(UpperHandler, { allow_reuse_address: true });
  const { port } = first.server_address;
  assertThrows(() => make(UpperHandler, {}, ["127.0.0.1", port]), Deno.errors.AddrInUse);
  const second = make(UpperHandler, { allow_reuse_address: true }, ["127.0.0.1", port]);
  await using _closing = second;
  assertEquals(second.server_address, first.server_address);
});

// deno-lint-ignore require-await
test_udp("allow_reuse_port is not supported, and it says so", async ({ make }) => {
  const error = assertThrows(
    () => make(UpperHandler, { allow_reuse_port: true }),
    Deno.errors.NotSupported,
  );
  assertMatch(error.message, /allow_reuse_port/);
}, { fits: ({ native }) => !native });

test_udp("at all interfaces it answers IPv4 and IPv6 clients", async ({ make }) => {
  class AddressHandler extends DatagramRequestHandler {
    override async handle(): Promise<void> {
      await this.wfile.write(this.client_address.hostname);
    }
  }
  await using server = serving(make(AddressHandler, {}, ["::", 0]));
  const { port } = server.server_address;
  for (const hostname of ["127.0.0.1", "::1"]) {
    using client = new DatagramClient({ transport: "udp", hostname, port }, hostname);
    assertEquals(await client.ask("who am I?"), hostname);
  }
}, { ignore: !has_ipv6() });

/** The longest datagram, an empty one, and many, with Python's own sockets. */
const PYTHON_CLIENT = `
import socket, sys
address = ("127.0.0.1", int(sys.argv[1]))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(10)
wrong = []
for data in [b"hello", b"", bytes(range(256)) * 255 + bytes(227), b"x"] + [b"%d" % n for n in range(100)]:
    sock.sendto(data, address)
    if sock.recvfrom(65536) != (data, address):
        wrong.append(data)
print("wrong:", wrong)
`;

test_udp("python3: its sockets get every datagram back", async ({ make }) => {
  await using server = serving(make(EchoHandler));
  const { port } = server.server_address;
  assertEquals(await output_of("python3", ["-", `${port}`], PYTHON_CLIENT), "wrong: []\n");
}, { ignore: !is_there("python3") });

for (const flags of [[], ["--unstable-net"]]) {
  const name = flags[0] ?? "no flag";
  Deno.test(`UDPServer with ${name} needs --allow-net for its address and no more`, async () => {
    const address = ["127.0.0.1", 0];
    assertEquals(
      await made_with([...flags, "--allow-net=127.0.0.1"], "UDPServer", address),
      "made",
    );
    const refused = await made_with(flags, "UDPServer", address);
    assertMatch(refused, /^NotCapable: .*127\.0\.0\.1:0/);
  });
}

/** The permissions for a name, and for the address that it stands for. */
function allowed(port: number, ip: string): string {
  return `--allow-net=localhost:${port},${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
}

Deno.test("a server at a name asks for no other permission when its port is in use", async () => {
  using tcp = Deno.listen({ hostname: "localhost", port: 0 });
  const { port, hostname } = tcp.addr;
  const made = (name: "UDPServer" | "ThreadingTCPServer") =>
    made_with([allowed(port, hostname), "--allow-read"], name, ["localhost", port]);
  assertEquals(await made("UDPServer"), "made");
  assertMatch(await made("ThreadingTCPServer"), /^AddrInUse: .*localhost/);
});

/** The address that the name of this machine stands for. */
function ip_of_localhost(): string {
  using listener = Deno.listen({ hostname: "localhost", port: 0 });
  return listener.addr.hostname;
}

for (const name of ["TCPServer", "AsyncTCPServer", "UDPServer"] as const) {
  Deno.test(`${name} at a name needs --allow-net for the address that it stands for, too, and says so`, async () => {
    const made = (flag: string) => made_with([flag], name, ["localhost", 0]);
    assertEquals(await made(allowed(0, ip_of_localhost())), "made");
    const refused = await made("--allow-net=localhost:0");
    assertMatch(refused, /^NotCapable: .*(127\.0\.0\.1|::1).*: localhost:0 stands for that$/);
  });
}

/** Answers when it is told to end. */
class LastHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
    await this.wfile.write("last words");
  }
}

test_udp("a handler under way when the server closes can reply", async ({ make }) => {
  const server = make(LastHandler);
  const loop = server.serve_forever();
  using client = new DatagramClient(server.server_address);
  await client.send("wait");
  await until(() => server.info().active === 1);
  assertEquals(await soon(server.server_close()), { drained: 1, aborted: 0 });
  assertEquals(text_of(await soon(client.receive())), "last words");
  await soon(loop);
  assertEquals(server.log.errors, []);
});

test_udp("a server that is not bound refuses to serve", async ({ make }) => {
  await using server = make(UpperHandler, { bind_and_activate: false });
  await assertRejects(() => server.serve_forever(), Deno.errors.BadResource, "not bound");
});
