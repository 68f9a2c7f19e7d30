import { assert, assertEquals, assertMatch } from "@std/assert";
import { SocksHandler } from "../../examples/socks5_proxy.ts";
import { AsyncTCPServer, BaseRequestHandler } from "../../mod.ts";
import {
  bytes_of,
  pattern,
  read_bytes,
  read_to_end,
  same_bytes,
  write_bytes,
} from "../fixtures/tools/bytes.ts";
import {
  commands_of,
  ending_of,
  is_there,
  output_of,
  Task,
} from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon } from "../fixtures/tools/waiting.ts";
import { or_end } from "../fixtures/clients/clients.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";

const [RUN, CURL, RUN_GUARDED] = commands_of("socks5_proxy.ts");
const [FILES] = commands_of("http_file_server.ts");
const GREETING = [5, 1, 0];
const ZEROS = [0, 1, 0, 0, 0, 0, 0, 0];
const windows = Deno.build.os === "windows";

/** A command at a free port, and with any folder. */
function free(command: string): string {
  return command.replace(/--port \d+/, "--port 0").replace("1:8000", "1").replace("read=.", "read");
}

/** A server of this project, started by the command of its head, at a free port. */
class Server extends Task {
  hostname = "127.0.0.1";
  port = 0;

  static async start(command: string): Promise<Server> {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(new Server("--eval", free(command)));
    const line = await server.line();
    assertMatch(line, /^Serving on \S+:\d+\/?; Ctrl-C ends it$/);
    const [, hostname, port] = /([\d.]+):(\d+)\/?;/.exec(line)!;
    Object.assign(server, { hostname, port: Number(port) });
    stack.move();
    return server;
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: this.hostname, port: this.port });
  }

  /** What it answers to bytes, until it closes. */
  async answer(...bytes: number[]): Promise<number[]> {
    using conn = await this.connect();
    await conn.write(Uint8Array.from(bytes));
    return [...await read_to_end(conn)];
  }

  /** A connection through it. */
  async tunnel(...address: number[]): Promise<Deno.TcpConn> {
    const conn = await this.connect();
    await conn.write(Uint8Array.from([...GREETING, 5, 1, 0, ...address]));
    assertEquals([...await read_bytes(conn, 12)], [5, 0, 5, 0, ...ZEROS]);
    return conn;
  }

  /** Both ends of a connection through it. */
  tunnel_to(listener: Deno.TcpListener): Promise<[client: Deno.TcpConn, target: Deno.TcpConn]> {
    const address = [...IPV4, ...bytes_of_port(listener.addr.port)];
    return Promise.all([this.tunnel(...address), listener.accept()]);
  }
}

/** A target that reads to the end, and answers only then. */
class LateEchoHandler extends BaseRequestHandler {
  override async handle(): Promise<void> {
    await this.request.sendall(await read_to_end(this.request));
  }
}

/** The two bytes of a port. */
function bytes_of_port(port: number): number[] {
  return [port >> 8, port & 255];
}

/** A port of this machine where nobody listens. */
function free_port(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const NAME = [3, 9, ...bytes_of("localhost")];
const ZONED = [3, 12, ...bytes_of("fe80::1%eth0")];
const UNKNOWN = [3, 12, ...bytes_of("none.invalid")];
const IPV4 = [1, 127, 0, 0, 1];
const IPV6 = [4, ...Array(15).fill(0), 1];

for (
  const [what, hostname, address] of [
    ["IPv4", "127.0.0.1", IPV4],
    ["IPv6", "::1", IPV6],
    ["name", "127.0.0.1", NAME],
  ] as const
) {
  Deno.test(`socks5_proxy.ts passes both ways on, byte for byte, by ${what}`, async () => {
    await using target = new AsyncTCPServer([hostname, 0], LateEchoHandler);
    const serving = target.serve_forever();
    await using proxy = await Server.start(RUN!);
    using conn = await proxy.tunnel(...address, ...bytes_of_port(target.server_address.port));
    const sent = pattern(2_000_000);
    await write_bytes(conn, sent);
    // Only the end of this way, passed on, has the target answer the other way.
    await conn.closeWrite();
    assert(same_bytes(await read_to_end(conn), sent));
    await soon(target.shutdown());
    await soon(serving);
  });
}

const refused = [...GREETING, 5, 1, 0, ...IPV4, ...bytes_of_port(free_port())];
/** What clients say, and what they hear before the end of the connection. */
const CASES: [what: string, said: number[], heard: number[]][] = [
  ["SOCKS4", [4, 1, 0, 80, 127, 0, 0, 1, 0], []],
  ["HTTP", [...bytes_of("GET / HTTP/1.1\r\n\r\n")], []],
  ["no method", [5, 0], [5, 255]],
  ["only a method with a password", [5, 1, 2], [5, 255]],
  ["another version after the greeting", [...GREETING, 4, 1, 0, ...IPV4, 0, 80], [5, 0]],
  ["a target that refuses", refused, [5, 0, 5, 5, ...ZEROS]],
  ["BIND", [...GREETING, 5, 2, 0, ...IPV4, 0, 80], [5, 0, 5, 7, ...ZEROS]],
  ["UDP ASSOCIATE", [...GREETING, 5, 3, 0, ...IPV6, 0, 80], [5, 0, 5, 7, ...ZEROS]],
  ["an unknown address type", [...GREETING, 5, 1, 0, 2, 1, 1], [5, 0, 5, 8, ...ZEROS]],
  ["an empty name", [...GREETING, 5, 1, 0, 3, 0, 0, 80], [5, 0, 5, 4, ...ZEROS]],
  ["a name that is none", [...GREETING, 5, 1, 0, 3, 2, 46, 46, 0, 80], [5, 0, 5, 4, ...ZEROS]],
  ["a name that nobody has", [...GREETING, 5, 1, 0, ...UNKNOWN, 0, 80], [5, 0, 5, 4, ...ZEROS]],
  ["a name with a zone", [...GREETING, 5, 1, 0, ...ZONED, 0, 80], [5, 0, 5, 8, ...ZEROS]],
  ["the port 0", [...GREETING, 5, 1, 0, ...IPV4, 0, 0], [5, 0, 5, 1, ...ZEROS]],
];

Deno.test("socks5_proxy.ts replies to what it refuses", async (t) => {
  await using proxy = await Server.start(RUN!);
  for (const [what, said, heard] of CASES) {
    await t.step(what, async () => assertEquals(await proxy.answer(...said), heard));
  }
});

Deno.test("socks5_proxy.ts connects only where --allow-net lets it", async () => {
  const command = RUN!.replace("--allow-net", "--allow-net=127.0.0.1:0");
  await using proxy = await Server.start(command);
  assertEquals(await proxy.answer(...refused), [5, 0, 5, 2, ...ZEROS]);
});

/** An address of this machine that others may know. */
const OUTER = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !/^(127|169\.254)\./.test(address)
)?.address;
/** Names of inner addresses; Windows knows fewer. */
const NAMES = ["localhost", "[::1]", "::ffff:127.0.0.1"].concat(
  windows ? [] : ["127.1", "2130706433", "0x7f000001", "0"],
);
/** What clients elsewhere must not reach: this machine, and its hints for those who run it. */
const INNER: [what: string, address: number[]][] = [
  ["127.0.0.1", IPV4],
  ["127.9.9.9", [1, 127, 9, 9, 9]],
  ["0.0.0.0", [1, 0, 0, 0, 0]],
  ["169.254.169.254", [1, 169, 254, 169, 254]],
  ["::1", IPV6],
  ["::", [4, ...Array(16).fill(0)]],
  ["::ffff:127.0.0.1", mapped(127, 0, 0, 1)],
  ["::ffff:0.0.0.0", mapped(0, 0, 0, 0)],
  ["::ffff:169.254.169.254", mapped(169, 254, 169, 254)],
  ["fd00:ec2::254", [4, 0xfd, 0, 0x0e, 0xc2, ...Array(10).fill(0), 2, 0x54]],
  ...NAMES.map((name): typeof INNER[number] => [
    `the name ${name}`,
    [3, name.length, ...bytes_of(name)],
  ]),
];

/** An IPv4 address as one of IPv6. */
function mapped(...address: number[]): number[] {
  return [4, ...Array(10).fill(0), 255, 255, ...address];
}

Deno.test({
  name: "socks5_proxy.ts, with --deny-net, keeps clients from this machine",
  ignore: OUTER === undefined,
  async fn(t) {
    await using proxy = await Server.start(RUN_GUARDED!.replace(/--host \S+/, `--host ${OUTER}`));
    for (const [what, address] of INNER) {
      await t.step(what, async () => {
        const heard = await proxy.answer(...GREETING, 5, 1, 0, ...address, 0, 80);
        assertEquals(heard, [5, 0, 5, 2, ...ZEROS]);
      });
    }
    using listener = Deno.listen({ hostname: OUTER!, port: 0 });
    const other = [1, ...OUTER!.split(".").map(Number), ...bytes_of_port(listener.addr.port)];
    using _conn = await proxy.tunnel(...other); // and from nothing else
    using _target = await listener.accept();
  },
});

const IDLE_TIMEOUT = 300;
/** Its tunnels are soon idle. */
class HastyHandler extends SocksHandler {
  protected override idle_timeout = IDLE_TIMEOUT;
}

Deno.test("socks5_proxy.ts ends a tunnel in which nothing passes, and not one that has one way", async () => {
  await using server = serving(
    new (Noting(AsyncTCPServer))(["127.0.0.1", 0], HastyHandler),
  );
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using conn = await Deno.connect(server.server_address);
  const address = [...IPV4, ...bytes_of_port(listener.addr.port)];
  await conn.write(Uint8Array.from([...GREETING, 5, 1, 0, ...address]));
  using target = await listener.accept();
  await read_bytes(conn, 12);
  const start = performance.now();
  while (performance.now() - start < 3 * IDLE_TIMEOUT) {
    await write_bytes(conn, Uint8Array.of(1));
    await read_bytes(target, 1);
  }
  await Promise.all([conn, target].map((side) => soon(or_end(read_to_end(side)))));
  assertEquals(server.log.errors, []);
});

Deno.test("socks5_proxy.ts understands a client that speaks byte by byte", async () => {
  await using proxy = await Server.start(RUN!);
  using conn = await proxy.connect();
  for (const byte of refused) await conn.write(Uint8Array.of(byte));
  assertEquals([...await read_to_end(conn)], [5, 0, 5, 5, ...ZEROS]);
});

Deno.test("socks5_proxy.ts ends one side when the other has gone", async (t) => {
  await using proxy = await Server.start(RUN!);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await t.step("the client", async () => {
    const [conn, target] = await proxy.tunnel_to(listener);
    using _target = target;
    await target.write(new Uint8Array(1000));
    await read_bytes(conn, 1);
    conn.close();
    await or_end(read_to_end(target));
  });
  await t.step("the target", async () => {
    const [conn, target] = await proxy.tunnel_to(listener);
    using _conn = conn;
    await conn.write(new Uint8Array(1000));
    await read_bytes(target, 1);
    target.close();
    await or_end(read_to_end(conn));
  });
});

Deno.test("socks5_proxy.ts takes no more from a target than its client does", async () => {
  await using proxy = await Server.start(RUN!);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [conn, target] = await proxy.tunnel_to(listener);
  using _conn = conn;
  using _target = target;
  const chunk = new Uint8Array(1_000_000);
  let sent = 0;
  let writing: Promise<unknown>;
  // What it takes is what the buffers of the system hold: a few megabytes.
  do {
    writing = target.write(chunk).then((count) => sent += count);
  } while (!await is_pending(writing, 500) && sent < 64_000_000);
  assert(sent < 64_000_000, `It took ${sent} bytes`);
  await read_bytes(conn, sent);
  await soon(writing); // and takes more now
});

Deno.test({
  name: "socks5_proxy.ts ends cleanly at Ctrl-C, with a tunnel open",
  ignore: windows,
  async fn() {
    await using proxy = await Server.start(RUN!);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [conn, target] = await proxy.tunnel_to(listener);
    using _conn = conn;
    using _target = target;
    proxy.child.kill("SIGINT");
    await Promise.all([conn, target].map((side) => or_end(read_to_end(side))));
    await proxy.ends_well();
  },
});

Deno.test({
  name: "curl: socks5_proxy.ts gets it a file from http_file_server.ts",
  ignore: !is_there("curl"),
  async fn() {
    await using proxy = await Server.start(RUN!);
    await using files = await Server.start(FILES!);
    const command = CURL!.replace("1080", `${proxy.port}`).replace("8000", `${files.port}`);
    const [program, ...args] = command.split(" ");
    const printed = await output_of(program!, ["-s", ...args]);
    assertEquals(printed, await Deno.readTextFile(new URL("../../README.md", import.meta.url)));
  },
});

Deno.test({
  name: "curl: socks5_proxy.ts passes 100 MB on, byte for byte",
  ignore: !is_there("curl"),
  async fn() {
    await using folder = await TempFolder.make();
    const large = pattern(100_000_000);
    await Deno.writeFile(folder.join("large"), large);
    await using proxy = await Server.start(RUN!);
    await using files = await Server.start(
      FILES!.replace("--directory .", `--directory ${folder.path}`),
    );
    const through = ["-s", "--socks5-hostname", `127.0.0.1:${proxy.port}`];
    const url = `http://127.0.0.1:${files.port}/large`;
    const args = [...through, "-o", folder.join("copy"), url];
    await output_of("curl", args);
    assert(same_bytes(await Deno.readFile(folder.join("copy")), large));
  },
});

Deno.test({
  name: "curl: socks5_proxy.ts tells it what is refused, and what nobody knows",
  ignore: !is_there("curl"),
  async fn() {
    await using proxy = await Server.start(RUN!);
    for (const [host, code] of [[`127.0.0.1:${free_port()}`, 5], ["none.invalid", 4]] as const) {
      const args = ["-sS", "--socks5-hostname", `127.0.0.1:${proxy.port}`, `http://${host}/`];
      const { errors } = await ending_of("curl", args);
      assertMatch(errors, new RegExp(`SOCKS5 .*\\(${code}\\)`));
    }
  },
});

Deno.test({
  name: "nc: socks5_proxy.ts passes the end of its input on, and the answer back",
  ignore: !is_there("nc"),
  async fn() {
    await using target = new AsyncTCPServer(["127.0.0.1", 0], LateEchoHandler);
    const serving = target.serve_forever();
    await using proxy = await Server.start(RUN!);
    const { hostname, port } = target.server_address;
    const args = ["-N", "-X", "5", "-x", `127.0.0.1:${proxy.port}`, hostname, `${port}`];
    assertEquals(await output_of("nc", args, "hello\n"), "hello\n");
    await soon(target.shutdown());
    await soon(serving);
  },
});
