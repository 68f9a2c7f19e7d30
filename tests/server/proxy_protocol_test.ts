/** PROXY headers: what handlers know of clients behind a proxy, in each of the ways. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AsyncTCPServer,
  AsyncUnixStreamServer,
  type ConfigureOptions,
  type ServerOptions,
  TCPServer,
  UDPServer,
} from "../../mod.ts";
import { or_end } from "../fixtures/clients/clients.ts";
import { CLIENT, hex, SERVICE, SIGNATURE, V1, V2, v2 } from "../fixtures/clients/proxy_headers.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import { type Origin, OriginHandler } from "../fixtures/handlers/proxy_handlers.ts";
import { test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make, type Way, WAYS } from "../fixtures/servers/tcp_servers.ts";
import { bytes_of, read_to_end, text_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon, turn, until } from "../fixtures/tools/waiting.ts";

const BEHIND_PROXY = {
  proxy_protocol: "required",
  trusted_proxies: ["127.0.0.0/8"],
  // A busy machine is no slow proxy.
  proxy_timeout: Infinity,
  max_workers: 1,
  max_children: 1,
} as const;

function make_noting(way: Way, options: ServerOptions = {}): TCPServer & NotingMembers {
  const Server = Noting(way.Server) as unknown as typeof TCPServer;
  const settings = { ...BEHIND_PROXY, ...options };
  return make({ ...way, Server }, OriginHandler, settings) as TCPServer & NotingMembers;
}

/** Connects, sends pieces and FIN, and gives what is answered. */
async function talk(address: Deno.NetAddr | Deno.UnixAddr, ...pieces: Uint8Array[]) {
  using conn = await soon(Deno.connect(address as Deno.ConnectOptions));
  for (const piece of pieces) await write_bytes(conn, piece);
  await conn.closeWrite();
  return { from: conn.localAddr, answer: text_of(await or_end(read_to_end(conn)) ?? bytes_of("")) };
}

async function origin(address: Deno.NetAddr | Deno.UnixAddr, ...pieces: Uint8Array[]) {
  const { from, answer } = await talk(address, ...pieces);
  return { from, ...JSON.parse(answer) as Origin };
}

const HELLO = bytes_of("hello\n");
const with_hello = (header: Uint8Array) => Uint8Array.of(...header, ...HELLO);

test_ways_at_once(
  "handlers have the client of the header, in both versions",
  () => true,
  async (way) => {
    await using server = serving(make_noting(way));
    const { hostname, port } = server.server_address;
    for (
      const { header, version, tlvs } of [
        { header: V1, version: 1, tlvs: [] },
        { header: V2, version: 2, tlvs: [[5, "id"]] },
      ]
    ) {
      for (const pieces of [[with_hello(header)], [header, HELLO]]) {
        const { from, ...told } = await origin({ transport: "tcp", hostname, port }, ...pieces);
        const [peer, client, service] = [from, CLIENT, SERVICE].map((addr) => ({ ...addr }));
        assertEquals(told as unknown, {
          line: "hello",
          client_address: client,
          remote: client,
          local: service,
          proxy: { version, command: "PROXY", peer, tlvs },
        });
      }
    }
    const { accepted, proxy_rejected } = server.info();
    assertEquals({ accepted, proxy_rejected }, { accepted: 4, proxy_rejected: 0 });
  },
);

test_ways_at_once("LOCAL and UNKNOWN keep the addresses of the socket", () => true, async (way) => {
  await using server = serving(make_noting(way));
  const own = { ...server.server_address };
  const headers = [v2("2000", ""), bytes_of("PROXY UNKNOWN\r\n")];
  for (const [at, header] of headers.entries()) {
    const { from, client_address, remote, local, proxy } = await origin(own, with_hello(header));
    assertEquals([client_address, remote, proxy?.peer], [from, from, from] as Deno.Addr[]);
    assertEquals(local, own);
    assertEquals([proxy?.command, proxy?.version], ["LOCAL", 2 - at]);
  }
});

test_ways_at_once("much behind the header arrives once, and in order", () => true, async (way) => {
  await using server = serving(make_noting(way));
  const lines = Array.from({ length: 2000 }, (_, number) => `line ${number}`);
  const sent = Uint8Array.of(...V2, ...bytes_of(lines.map((line) => `${line}\n`).join("")));
  const { answer } = await talk(server.server_address, sent);
  const told = answer.trimEnd().split("\n").map((line) => (JSON.parse(line) as Origin).line);
  assertEquals(told.length, lines.length);
  assertEquals(told.every((line, at) => line === lines[at]), true);
});

test_ways_at_once(
  "a bad header is no request; it is closed, counted and reported",
  () => true,
  async (way) => {
    await using server = serving(make_noting(way));
    const { server_address: address, log } = server;
    for (const bad of [HELLO, hex(`${SIGNATURE} 2111 ffff`), V1.subarray(0, 20)]) {
      assertEquals((await talk(address, bad)).answer, "");
    }
    await soon(log.until(({ errors }) => errors.length === 3));
    const kinds = [
      Deno.errors.InvalidData,
      Deno.errors.InvalidData,
      Deno.errors.UnexpectedEof,
    ];
    for (const [at, kind] of kinds.entries()) {
      assertInstanceOf(log.errors[at], kind);
      assertStringIncludes(`${log.errors[at]}`, `: ${address.hostname}:`);
    }
    assertEquals((await origin(address, with_hello(V1))).line, "hello");
    const { accepted, proxy_rejected } = server.info();
    assertEquals({ accepted, proxy_rejected }, { accepted: 1, proxy_rejected: 3 });
  },
);

test_ways_at_once("a header that does not come ends at the clock", () => true, async (way) => {
  await using server = serving(make_noting(way, { proxy_timeout: 100 }));
  using silent = await Deno.connect(server.server_address);
  assertEquals(await or_end(soon(silent.read(new Uint8Array(1)))), null);
  await soon(server.log.until(({ errors }) => errors.length === 1));
  assertInstanceOf(server.log.errors[0], Deno.errors.TimedOut);
  const { accepted, proxy_rejected } = server.info();
  assertEquals({ accepted, proxy_rejected }, { accepted: 0, proxy_rejected: 1 });
});

test_ways_at_once("who connects and goes is nothing to tell of", () => true, async (way) => {
  await using server = serving(make_noting(way));
  for (let count = 0; count < 3; count++) {
    assertEquals((await talk(server.server_address)).answer, "");
  }
  assertEquals((await origin(server.server_address, with_hello(V1))).line, "hello");
  assertEquals(server.log.errors, []);
  assertEquals(server.info().proxy_rejected, 0);
});

for (const way of WAYS) {
  Deno.test(`${way.name}: verify_request() sees the client and the proxy`, async () => {
    const seen: unknown[] = [];
    class Verifying extends way.Server {
      override verify_request(
        ...[request, client_address]: Parameters<TCPServer["verify_request"]>
      ) {
        seen.push(client_address, request.remoteAddr, request.proxy?.command);
        return false;
      }
    }
    const Server = Verifying as unknown as typeof TCPServer;
    await using server = serving(make({ ...way, Server }, OriginHandler, BEHIND_PROXY));
    assertEquals((await talk(server.server_address, with_hello(V1))).answer, "");
    assertEquals(seen, [CLIENT, CLIENT, "PROXY"]);
    assertEquals(server.info().refused, 1);
  });
}

Deno.test("without proxy_protocol a header is data", async () => {
  await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], UpperHandler));
  const { answer } = await talk(server.server_address, V1);
  assertEquals(answer, text_of(V1).toUpperCase());
  assertEquals(server.info().proxy_rejected, undefined);
});

Deno.test("a handler without proxy_protocol has no proxy", async () => {
  await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], OriginHandler));
  assertEquals((await origin(server.server_address, HELLO)).proxy, null);
});

Deno.test("an IPv4 client in the form of IPv6 has its IPv4 address", async () => {
  await using server = serving(make_noting(WAYS[1]!));
  const header = v2(
    "2121",
    `${"0".repeat(20)}ffffc0000207 ${"0".repeat(20)}ffffc6336401 c350 01bb`,
  );
  const { client_address, local } = await origin(server.server_address, with_hello(header));
  assertEquals([client_address, local], [CLIENT, SERVICE]);
});

Deno.test("a proxy that is not trusted is closed before a byte is read", async () => {
  await using server = serving(make_noting(WAYS[1]!, { trusted_proxies: ["192.0.2.0/24", "::1"] }));
  assertEquals((await talk(server.server_address, with_hello(V1))).answer, "");
  await soon(server.log.until(({ errors }) => errors.length === 1));
  assertInstanceOf(server.log.errors[0], Deno.errors.PermissionDenied);
  const { accepted, proxy_rejected } = server.info();
  assertEquals({ accepted, proxy_rejected }, { accepted: 0, proxy_rejected: 1 });
});

test_ways_at_once(
  "lists are about the client, and deny about the proxy, too",
  () => true,
  async (way) => {
    await using server = serving(make_noting(way));
    const client_is_served = async (lists: ConfigureOptions, header = V1) => {
      server.configure({ allow: null, deny: null, ...lists });
      return (await talk(server.server_address, with_hello(header))).answer !== "";
    };
    const client = [CLIENT.hostname];
    const proxy = ["127.0.0.0/8"];
    assertEquals(await client_is_served({ allow: client }), true);
    assertEquals(await client_is_served({ allow: proxy }), false);
    assertEquals(await client_is_served({ deny: client }), false);
    // What a proxy asks for itself.
    assertEquals(await client_is_served({ allow: proxy }, v2("2000", "")), true);
    assertEquals(server.log.errors, []);
    assertEquals(await client_is_served({ deny: proxy }), false);
    await soon(server.log.until(({ errors }) => errors.length === 1));
    assertInstanceOf(server.log.errors[0], Deno.errors.PermissionDenied);
    await soon(until(() => server.info().completed === 2));
    const { accepted, refused, refused_by, proxy_rejected } = server.info();
    assertEquals([accepted, refused, refused_by.denied, proxy_rejected], [4, 2, 2, 1]);
  },
);

test_ways_at_once(
  "a suspended server gives no header its turn, and serves what has waited when it is resumed",
  () => true,
  async (way) => {
    await using server = serving(make_noting(way));
    server.suspend();
    const answers = Promise.all(
      [V1, V2, V1].map((header) => origin(server.server_address, with_hello(header))),
    );
    assert(await is_pending(answers, 100), "it serves although it is suspended");
    assertEquals(server.info().accepted, 0);
    server.resume();
    assertEquals((await soon(answers)).map(({ line }) => line), ["hello", "hello", "hello"]);
  },
);

Deno.test("a slow header holds up nobody, also where one is served at a time", async () => {
  await using server = serving(make_noting(WAYS[0]!));
  using slow = await Deno.connect(server.server_address);
  await write_bytes(slow, V1.subarray(0, 10));
  assertEquals((await origin(server.server_address, with_hello(V1))).line, "hello");
  await write_bytes(slow, V1.subarray(10));
  await write_bytes(slow, HELLO);
  await slow.closeWrite();
  const { line } = JSON.parse(text_of(await read_to_end(slow))) as Origin;
  assertEquals(line, "hello");
});

Deno.test("no more than request_queue_size headers are read at once", async () => {
  const options = { request_queue_size: 2 };
  await using server = serving(make_noting(WAYS[1]!, options));
  const slow: Deno.TcpConn[] = [];
  for (let count = 0; count < 4; count++) {
    const conn = await Deno.connect(server.server_address);
    await write_bytes(conn, V1.subarray(0, 10));
    slow.push(conn);
  }
  using next = await Deno.connect(server.server_address);
  await write_bytes(next, with_hello(V1));
  await next.closeWrite();
  const answer = read_to_end(next);
  for (let turns = 0; turns < 50; turns++) await turn();
  assertEquals(server.info().accepted, 0);
  for (const conn of slow) conn.close();
  assertStringIncludes(text_of(await answer), "hello");
});

test_ways_at_once(
  "server_close() drops the headers that are being read",
  () => true,
  async (way) => {
    const server = make_noting(way);
    const loop = server.serve_forever();
    using slow = await Deno.connect(server.server_address);
    await write_bytes(slow, V1.subarray(0, 10));
    for (let turns = 0; turns < 20; turns++) await turn();
    await soon(server.server_close());
    assertEquals(await or_end(soon(slow.read(new Uint8Array(1)))), null);
    await soon(loop);
    assertEquals(server.log.errors, []);
    assertEquals(server.info().accepted, 0);
  },
);

Deno.test("handle_request() takes a connection when its header is read", async () => {
  const server = make_noting(WAYS[0]!, { timeout: 50 });
  using conn = await Deno.connect(server.server_address);
  await soon(server.handle_request());
  assertEquals(server.info().accepted, 0);
  await write_bytes(conn, with_hello(V1));
  await conn.closeWrite();
  await until(async () => {
    await server.handle_request();
    return server.info().accepted > 0;
  });
  assertStringIncludes(text_of(await read_to_end(conn)), "hello");
  await server.server_close();
});

Deno.test({
  name: "a Unix server needs no trusted_proxies",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make();
    const path = folder.join("proxied.sock");
    const options = { proxy_protocol: "required" } as const;
    await using server = serving(new AsyncUnixStreamServer(path, OriginHandler, options));
    const { client_address, proxy } = await origin(server.server_address, with_hello(V1));
    assertEquals([client_address, proxy?.peer], [CLIENT, { transport: "unix", path: "" }]);
  },
});

for (const bind_and_activate of [true, false]) {
  Deno.test(`nobody to trust: the constructor throws, bind_and_activate: ${bind_and_activate}`, () => {
    const options = { proxy_protocol: "required", bind_and_activate } as const;
    assertThrows(
      () => new TCPServer(["127.0.0.1", 0], OriginHandler, options),
      RangeError,
      "trusted_proxies",
    );
  });
}

Deno.test("a server with a listener of its own does not pass over proxy_protocol", async () => {
  class Own extends TCPServer {
    override server_bind(): void {
      const plain = new TCPServer(["127.0.0.1", 0], OriginHandler);
      this.socket = plain.socket;
    }
  }
  const server = new Own(["127.0.0.1", 0], OriginHandler, BEHIND_PROXY);
  const error = await server.serve_forever().catch((error) => error);
  assertInstanceOf(error, Deno.errors.NotSupported);
  await server.server_close();
});

Deno.test("datagram servers have no PROXY headers, and no sockets that are inherited", () => {
  for (const options of [{ proxy_protocol: "required" }, { inherit: true }] as const) {
    assertThrows(
      () => new UDPServer(["127.0.0.1", 0], UpperHandler as never, options),
      Deno.errors.NotSupported,
    );
  }
});
