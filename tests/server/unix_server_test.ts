import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AsyncUnixDatagramServer,
  AsyncUnixStreamServer,
  BaseRequestHandler,
  DatagramRequestHandler,
  StreamRequestHandler,
  UnixDatagramServer,
  UnixStreamServer,
} from "../../mod.ts";
import { fileURLToPath } from "node:url";
import { PacketTooLong } from "../../server/requests/accept_errors.ts";
import {
  bytes_of,
  pattern,
  read_to_end,
  same_bytes,
  text_of,
  write_bytes,
} from "../fixtures/tools/bytes.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { made_with } from "../fixtures/programs/make_server.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import type { Left } from "../fixtures/programs/moves_away.ts";
import { is_there, output_of } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { leave_stale } from "../fixtures/programs/stale_path.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** A server that notes what goes wrong. */
class NotingDatagramServer extends Noting(UnixDatagramServer) {}

/** Answers each line in upper case. */
class UpperHandler extends StreamRequestHandler<UnixStreamServer, Deno.UnixAddr> {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(text_of(line).toUpperCase());
  }
}

/** Answers a datagram in upper case. */
class UpperPacketHandler extends DatagramRequestHandler<UnixDatagramServer, Deno.UnixAddr> {
  override async handle(): Promise<void> {
    await this.wfile.write(text_of(this.packet).toUpperCase());
  }
}

/** Answers with the client's address. */
class AddressHandler extends StreamRequestHandler<UnixStreamServer, Deno.UnixAddr> {
  override async handle(): Promise<void> {
    await this.wfile.write(JSON.stringify(this.client_address));
  }
}

/** Sends all, and gives all that comes back. */
async function ask(path: string, text: string): Promise<string> {
  using client = await Deno.connect({ transport: "unix", path });
  await client.write(bytes_of(text));
  await client.closeWrite();
  return text_of(await soon(read_to_end(client)));
}

/** What a program prints first. Its input stays open until then: datagrams have no end. */
async function first_output_of(program: string, args: string[], input: string): Promise<string> {
  await using child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(bytes_of(input));
  const reader = child.stdout.getReader();
  const { value = new Uint8Array(0) } = await soon(reader.read());
  await writer.close();
  await reader.cancel();
  assertEquals((await soon(child.status)).code, 0);
  return text_of(value);
}

async function names_in({ path }: TempFolder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

/** A test with a path to serve at. */
function test_unix(
  name: string,
  run: (path: string, folder: TempFolder) => Promise<void>,
  ignore = Deno.build.os === "windows",
): void {
  Deno.test(name, { ignore }, async () => {
    await using folder = await TempFolder.make();
    await run(folder.join("server"), folder);
  });
}

for (const Server of [UnixStreamServer, AsyncUnixStreamServer]) {
  test_unix(`${Server.name} answers its clients, and leaves nothing`, async (path, folder) => {
    {
      await using server = serving(new Server(path, UpperHandler));
      assertEquals(server.server_address, { transport: "unix", path });
      const texts = Array.from({ length: 20 }, (_, n) => `client ${n}\n`);
      const replies = await Promise.all(texts.map((text) => ask(path, text)));
      assertEquals(replies, texts.map((text) => text.toUpperCase()));
      assertEquals(await names_in(folder), ["server"]);
    }
    assertEquals(await names_in(folder), []);
  });

  test_unix(`${Server.name} has clients without a name`, async (path) => {
    await using _server = serving(new Server(path, AddressHandler));
    assertEquals(JSON.parse(await ask(path, "")), { transport: "unix", path: "" });
  });

  test_unix(`${Server.name} keeps its path while another one wants it`, async (path) => {
    await using _server = serving(new Server(path, UpperHandler));
    assertThrows(() => new Server(path, UpperHandler), Deno.errors.AddrInUse, path);
    assertEquals(await ask(path, "still\nthere\n"), "STILL\nTHERE\n");
  });

  test_unix(`${Server.name} takes over the path of one that was killed`, async (path) => {
    await leave_stale("unix", path);
    await using _server = serving(new Server(path, UpperHandler));
    assertEquals(await ask(path, "hello\n"), "HELLO\n");
  });

  test_unix(`${Server.name} passes 1 MiB unchanged, both ways at once`, async (path) => {
    class EchoHandler extends BaseRequestHandler {
      override async handle(): Promise<void> {
        for (;;) {
          const data = await this.request.recv(65_536);
          if (data.length === 0) break;
          await this.request.sendall(data);
        }
      }
    }
    await using _server = serving(new Server(path, EchoHandler));
    const sent = pattern(1_048_576);
    using client = await Deno.connect({ transport: "unix", path });
    const sending = write_bytes(client, sent).then(() => client.closeWrite());
    const received = await soon(read_to_end(client));
    await sending;
    assert(same_bytes(received, sent), `${received.length} bytes`);
  });
}

test_unix("UnixStreamServer answers at an abstract name, of which no file is left", async (
  path,
  folder,
) => {
  await using server = serving(new UnixStreamServer(`\0${path}`, UpperHandler));
  assertEquals(await ask(`\0${path}`, "hello\n"), "HELLO\n");
  assertThrows(() => new UnixStreamServer(`\0${path}`, UpperHandler), Error, `@${path}`);
  await soon(server.server_close());
  assertEquals(await names_in(folder), []);
}, Deno.build.os !== "linux");

test_unix("UnixStreamServer takes a path as an object, too", async (path) => {
  await using server = new UnixStreamServer({ path }, UpperHandler);
  assertEquals(server.server_address, { transport: "unix", path });
});

test_unix("UnixStreamServer binds when it is told, with bind_and_activate: false", async (
  path,
  folder,
) => {
  await using server = new UnixStreamServer(path, UpperHandler, { bind_and_activate: false });
  assertEquals(await names_in(folder), []);
  await server.server_bind();
  await server.server_activate();
  await using _closing = serving(server);
  assertEquals(await ask(path, "hello\n"), "HELLO\n");
});

test_unix("UnixStreamServer lets handle_request() take one client", async (path) => {
  await using server = new UnixStreamServer(path, UpperHandler, { timeout: 10_000 });
  for (const text of ["one\n", "two\n"]) {
    const handled = server.handle_request();
    assertEquals(await ask(path, text), text.toUpperCase());
    await handled;
  }
});

test_unix("UnixStreamServer's path may be kept from others by its mode", async (path) => {
  await using _server = serving(new UnixStreamServer(path, UpperHandler));
  await Deno.chmod(path, 0o600);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertEquals(await ask(path, "hello\n"), "HELLO\n");
});

for (const Server of [UnixStreamServer, UnixDatagramServer]) {
  // deno-lint-ignore require-await
  test_unix(`${Server.name} refuses a path that is none or too long`, async () => {
    assertThrows(() => new Server("", UpperHandler), TypeError);
    const limit = Server === UnixStreamServer ? 107 : 102;
    const path = `/${"p".repeat(limit)}`;
    assertThrows(() => new Server(path, UpperHandler), RangeError, `${limit}`);
  });

  test_unix(`${Server.name} names the path at which it cannot bind`, async (path, folder) => {
    const missing = folder.join("no/server");
    assertThrows(() => new Server(missing, UpperHandler), Deno.errors.NotFound, missing);
    await Deno.writeTextFile(path, "content");
    assertThrows(() => new Server(path, UpperHandler), Deno.errors.AddrInUse, path);
    assertEquals(await Deno.readTextFile(path), "content");
  });

  test_unix(`${Server.name} says which permission for its path is missing`, async (path) => {
    const needed = [`--allow-read=${path}`, `--allow-write=${path}`, `--allow-net=unix:${path}`];
    const made = (flags: string[]) =>
      made_with(["--unstable-net", ...flags], Server.name as Name, path);
    assertEquals(await made(needed), "made");
    for (const flag of needed) {
      const printed = await made(needed.filter((other) => other !== flag));
      assert(printed.startsWith("NotCapable") && printed.includes(path), `${flag}: ${printed}`);
    }
  });

  test_unix(`${Server.name} takes over a path with no further permission`, async (path) => {
    const flags = [`--allow-read=${path}`, `--allow-write=${path}`, `--allow-net=unix:${path}`];
    await leave_stale(Server === UnixStreamServer ? "unix" : "unixpacket", path);
    const printed = await made_with(["--unstable-net", ...flags], Server.name as Name, path);
    assertEquals(printed, "made");
  });
}

test_unix(
  "a path in the current folder is removed from there, wherever one goes",
  async (_, here) => {
    await using there = await TempFolder.make();
    const program = fileURLToPath(import.meta.resolve("../fixtures/programs/moves_away.ts"));
    const names = ["UnixStreamServer", "ThreadingUnixStreamServer", "UnixDatagramServer"];
    const args = [
      "run",
      "-A",
      "--unstable-net",
      "--no-check",
      program,
      here.path,
      there.path,
      ...names,
    ];
    const left: Left = JSON.parse(await soon(output_of(Deno.execPath(), args, "")));
    const files = names.map((name) => `${name}.sock`);
    assertEquals(left, { paths: files, here: [], there: files.toSorted() });
  },
);

type Name = "UnixStreamServer" | "UnixDatagramServer";

test_unix("UnixStreamServer needs no unstable flag", async (path) => {
  assertEquals(await made_with(["-A"], "UnixStreamServer", path), "made");
});

test_unix("UnixDatagramServer names the flag that it needs", async (path, folder) => {
  const printed = await made_with(["-A"], "UnixDatagramServer", path);
  assertMatch(printed, /^NotSupported: .*--unstable-net/);
  assertEquals(await names_in(folder), []);
});

for (const Server of [UnixDatagramServer, AsyncUnixDatagramServer]) {
  test_unix(`${Server.name} answers its clients, and leaves nothing`, async (path, folder) => {
    {
      await using server = serving(new Server(path, UpperPacketHandler));
      assertEquals(server.server_address, { transport: "unixpacket", path });
      for (const text of ["one", "two"]) {
        using client = new DatagramClient(server.server_address, folder.join(text));
        assertEquals(await client.ask(text), text.toUpperCase());
      }
    }
    assertEquals((await names_in(folder)).sort(), ["one", "two"]);
  });

  test_unix(`${Server.name} takes over the path of one that was killed`, async (path, folder) => {
    await leave_stale("unixpacket", path);
    await using server = serving(new Server(path, UpperPacketHandler));
    using client = new DatagramClient(server.server_address, folder.join("client"));
    assertEquals(await client.ask("hello"), "HELLO");
    assertThrows(() => new Server(path, UpperPacketHandler), Deno.errors.AddrInUse, path);
    assertEquals(await client.ask("still there"), "STILL THERE");
  });
}

test_unix("UnixDatagramServer sees the path of a client", async (path, folder) => {
  class AddressHandler extends DatagramRequestHandler<UnixDatagramServer, Deno.UnixAddr> {
    override async handle(): Promise<void> {
      await this.wfile.write(JSON.stringify(this.client_address));
    }
  }
  await using server = serving(new UnixDatagramServer(path, AddressHandler));
  using client = new DatagramClient(server.server_address, folder.join("client"));
  assertEquals(JSON.parse(await client.ask("?")), {
    transport: "unixpacket",
    path: folder.join("client"),
  });
});

test_unix("UnixDatagramServer passes datagrams of up to 65,507 bytes", async (path, folder) => {
  class EchoHandler extends DatagramRequestHandler<UnixDatagramServer, Deno.UnixAddr> {
    override async handle(): Promise<void> {
      await this.socket.sendto(this.packet, this.client_address);
    }
  }
  await using server = serving(new NotingDatagramServer(path, EchoHandler));
  using client = new DatagramClient(server.server_address, folder.join("client"));
  for (const length of [0, 1, 65_507]) {
    const sent = pattern(length);
    await client.send(sent);
    assert(same_bytes(await client.receive(), sent), `${length} bytes`);
  }
  await client.send(new Uint8Array(65_508));
  assertEquals(await client.ask("next"), "next");
  assertEquals(server.log.errors.length, 1);
  assertInstanceOf(server.log.errors[0], PacketTooLong);
});

test_unix(
  "AsyncUnixDatagramServer says what is in the way of its replies, and replies when it is gone",
  async (
    path,
    folder,
  ) => {
    const Server = Noting(AsyncUnixDatagramServer);
    await using server = serving(new Server(path, UpperPacketHandler));
    using client = new DatagramClient(server.server_address, folder.join("client"));
    await Deno.writeTextFile(`${path}.bell`, "");
    await client.send("lost");
    await soon(server.log.until(({ errors }) => errors.length === 1));
    const [error] = server.log.errors as Error[];
    assertInstanceOf(error, Deno.errors.BadResource);
    assertStringIncludes(error.message, `without ${path}.bell: AddrInUse`);
    await Deno.remove(`${path}.bell`);
    assertEquals(await client.ask("heard"), "HEARD");
  },
);

test_unix("UnixDatagramServer survives a client that is gone before its reply", async (
  path,
  folder,
) => {
  let goes: DatagramClient | undefined;
  class LateHandler extends UpperPacketHandler {
    override handle(): Promise<void> {
      goes?.[Symbol.dispose]();
      goes = undefined;
      return super.handle();
    }
  }
  await using server = serving(new NotingDatagramServer(path, LateHandler));
  goes = new DatagramClient(server.server_address, folder.join("goes"));
  await goes.send("question");
  using stays = new DatagramClient(server.server_address, folder.join("stays"));
  assertEquals(await stays.ask("still there"), "STILL THERE");
});

test_unix("socat: UnixStreamServer answers a file of lines", async (path) => {
  await using _server = serving(new UnixStreamServer(path, UpperHandler));
  // It waits for the end of the answer for as long as -t says.
  const args = ["-t10", "-", `UNIX-CONNECT:${path}`];
  assertEquals(await output_of("socat", args, "a\nb\nc"), "A\nB\nC");
}, !is_there("socat"));

test_unix("socat: UnixDatagramServer answers a client with a path", async (path, folder) => {
  await using _server = serving(new UnixDatagramServer(path, UpperPacketHandler));
  const client = `UNIX-SENDTO:${path},bind=${folder.join("client")}`;
  assertEquals(await first_output_of("socat", ["-", client], "hello"), "HELLO");
}, !is_there("socat"));

test_unix("socat: UnixDatagramServer takes what a client without a path sends", async (
  path,
  folder,
) => {
  const said: unknown[] = [];
  class HearingHandler extends UpperPacketHandler {
    override async handle(): Promise<void> {
      said.push([text_of(this.packet), this.client_address.path]);
      await super.handle();
    }
  }
  await using server = serving(new NotingDatagramServer(path, HearingHandler));
  await output_of("socat", ["-u", "-", `UNIX-SENDTO:${path}`], "from nobody");
  using client = new DatagramClient(server.server_address, folder.join("client"));
  assertEquals(await client.ask("next"), "NEXT");
  assertEquals(said, [["from nobody", ""], ["next", folder.join("client")]]);
  assertEquals(server.log.errors, []);
}, !is_there("socat"));

/** One connection with two lines, and 20 at once. */
const PYTHON_STREAM = `
import socket, sys
def connect():
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(sys.argv[1])
    return sock
with connect() as sock, sock.makefile("rwb", buffering=0) as file:
    for line in [b"hello\\n", b"again\\n"]:
        file.write(line)
        assert file.readline() == line.upper()
    sock.shutdown(socket.SHUT_WR)
    assert file.readline() == b""
socks = [connect() for _ in range(20)]
for n, sock in enumerate(socks): sock.sendall(b"line %d\\n" % n)
for n, sock in enumerate(socks): assert sock.recv(100) == b"LINE %d\\n" % n
print("ok")
`;

test_unix("python3: AsyncUnixStreamServer answers its sockets", async (path) => {
  await using _server = serving(new AsyncUnixStreamServer(path, UpperHandler));
  assertEquals(await output_of("python3", ["-", path], PYTHON_STREAM), "ok\n");
}, !is_there("python3"));

/** A socket with a path, one without, and one in the abstract namespace where there is such a thing. */
const PYTHON_DATAGRAMS = `
import socket, sys
def make():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.settimeout(10)
    return sock
with make() as unnamed:
    unnamed.sendto(b"from nobody", sys.argv[1])
names = [sys.argv[2]] + (["\\0" + sys.argv[2]] if sys.platform == "linux" else [])
for name in names:
    with make() as sock:
        sock.bind(name)
        for data in [b"hello", b"x" * 65507]:
            sock.sendto(data, sys.argv[1])
            assert sock.recvfrom(65536) == (data.upper(), sys.argv[1])
print("ok")
`;

test_unix("python3: UnixDatagramServer answers its sockets", async (path, folder) => {
  await using server = serving(new NotingDatagramServer(path, UpperPacketHandler));
  const args = ["-", path, folder.join("client")];
  assertEquals(await output_of("python3", args, PYTHON_DATAGRAMS), "ok\n");
  assertEquals(server.log.errors, []);
}, !is_there("python3"));
