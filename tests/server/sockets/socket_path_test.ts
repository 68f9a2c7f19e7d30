/** What becomes of a path, whatever listens at it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DenoDatagramListener } from "../../../server/listeners/deno_datagram_listener.ts";
import { DenoListener } from "../../../server/listeners/deno_listener.ts";
import { HandoverListener } from "../../../server/listeners/handover_listener.ts";
import type { DatagramRequest } from "../../../server/sockets/datagram_socket.ts";
import { SocketPath } from "../../../server/sockets/socket_path.ts";
import type { StreamSocket } from "../../../server/sockets/stream_socket.ts";
import { bytes_of, text_of } from "../../fixtures/tools/bytes.ts";
import { DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { leave_stale } from "../../fixtures/programs/stale_path.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** Something that listens at a path. */
interface Server {
  close(): Promise<void>;
  /** What the next client says that says something; a probe says nothing. */
  heard(): Promise<string>;
}

/** A kind of socket. */
interface Kind {
  name: string;
  transport: "unix" | "unixpacket";
  listen(path: string): Server;
}

const KINDS: Kind[] = [
  {
    name: "DenoListener",
    transport: "unix",
    listen: (path) => stream_server(new DenoListener(stream_options(path))),
  },
  {
    name: "HandoverListener",
    transport: "unix",
    listen: (path) => stream_server(new HandoverListener(stream_options(path))),
  },
  { name: "DenoDatagramListener", transport: "unixpacket", listen: datagram_server },
];

function stream_options(path: string) {
  return { addr: { transport: "unix", path } as Deno.UnixAddr, backlog: 16, reuse_port: false };
}

function stream_server(
  listener: DenoListener<Deno.UnixAddr> | HandoverListener<Deno.UnixAddr>,
): Server {
  const heard = async () => {
    for (;;) {
      using socket: StreamSocket = await soon(Promise.resolve(listener.accept()));
      const said = await soon(socket.recv(100));
      if (said.length > 0) return text_of(said);
    }
  };
  return { close: () => listener.close(), heard };
}

function datagram_server(path: string): Server {
  const addr: Deno.UnixAddr = { transport: "unixpacket", path };
  const options = { backlog: 16, reuse_address: false, max_packet_size: 65_507 };
  const listener = new DenoDatagramListener({ addr, ...options });
  const heard = async () => {
    const [[packet]]: [DatagramRequest<Deno.UnixAddr>, Deno.UnixAddr] = await soon(
      listener.accept(),
    );
    return text_of(packet);
  };
  return { close: () => listener.close(), heard };
}

/** That a client finds the server at the path. */
async function assert_serves(server: Server, { transport }: Kind, path: string): Promise<void> {
  if (transport === "unix") {
    using client = await Deno.connect({ transport, path });
    await client.write(bytes_of("hello"));
    assertEquals(await server.heard(), "hello");
  } else {
    const name = await Deno.makeTempDir() + "/client";
    using client = new DatagramClient({ transport, path }, name);
    await client.send("hello");
    assertEquals(await server.heard(), "hello");
    await Deno.remove(name.slice(0, -"/client".length), { recursive: true });
  }
}

async function names_in({ path }: TempFolder): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
}

/** A test for each kind, in a folder of its own. */
function test_kinds(
  name: string,
  run: (kind: Kind, folder: TempFolder, path: string) => Promise<void>,
  ignore = Deno.build.os === "windows",
): void {
  for (const kind of KINDS) {
    Deno.test(`${kind.name}: ${name}`, { ignore }, async () => {
      await using folder = await TempFolder.make();
      await run(kind, folder, folder.join("server"));
    });
  }
}

test_kinds("nothing but the socket is in the folder, and nothing after close()", async (
  kind,
  folder,
  path,
) => {
  const server = kind.listen(path);
  assertEquals(await names_in(folder), ["server"]);
  assert((await Deno.lstat(path)).isSocket);
  await assert_serves(server, kind, path);
  await server.close();
  assertEquals(await names_in(folder), []);
});

test_kinds("the path of a server that was killed is taken over", async (kind, folder, path) => {
  await leave_stale(kind.transport, path);
  assertEquals(await names_in(folder), ["server"]);
  const server = kind.listen(path);
  await assert_serves(server, kind, path);
  assertEquals(await names_in(folder), ["server"]);
  await server.close();
  assertEquals(await names_in(folder), []);
});

test_kinds("the path of a killed server of the other kind is taken over", async (
  kind,
  _folder,
  path,
) => {
  await leave_stale(kind.transport === "unix" ? "unixpacket" : "unix", path);
  const server = kind.listen(path);
  await assert_serves(server, kind, path);
  await server.close();
});

test_kinds("a path at which somebody listens is in use, and he goes on", async (
  kind,
  folder,
  path,
) => {
  for (const live_kind of KINDS) {
    const live = live_kind.listen(path);
    assertThrows(() => kind.listen(path), Deno.errors.AddrInUse);
    await assert_serves(live, live_kind, path);
    assertThrows(() => kind.listen(path), Deno.errors.AddrInUse);
    await assert_serves(live, live_kind, path);
    assertEquals(await names_in(folder), ["server"]);
    await live.close();
    assertEquals(await names_in(folder), []);
  }
});

test_kinds("a file, a folder or a link in the way stays and is an address in use", async (
  kind,
  folder,
) => {
  await Deno.writeTextFile(folder.join("file"), "content");
  await Deno.mkdir(folder.join("folder"));
  await Deno.symlink(folder.join("nowhere"), folder.join("link"));
  for (const name of ["file", "folder", "link"]) {
    assertThrows(() => kind.listen(folder.join(name)), Deno.errors.AddrInUse);
  }
  assertEquals(await names_in(folder), ["file", "folder", "link"]);
  assertEquals(await Deno.readTextFile(folder.join("file")), "content");
});

// Renaming one name of a file to another of the same file leaves both (rename(2)).
test_kinds("close() leaves a path that another server took over", async (kind, folder, path) => {
  for (const other_kind of KINDS) {
    const server = kind.listen(path);
    await Deno.remove(path);
    const other = other_kind.listen(path);
    await server.close();
    assertEquals(await names_in(folder), ["server"]);
    await assert_serves(other, other_kind, path);
    await server.close();
    await assert_serves(other, other_kind, path);
    await other.close();
    assertEquals(await names_in(folder), []);
  }
});

// Renaming one name of a file to another of the same file leaves both (rename(2)).
test_kinds("close() leaves a file that has taken the place of its socket", async (
  kind,
  folder,
  path,
) => {
  const server = kind.listen(path);
  await Deno.remove(path);
  await Deno.writeTextFile(path, "content");
  await server.close();
  assertEquals(await names_in(folder), ["server"]);
  assertEquals(await Deno.readTextFile(path), "content");
});

test_kinds("close() has nothing against a path that is gone", async (kind, folder, path) => {
  const server = kind.listen(path);
  await Deno.remove(path);
  await server.close();
  assertEquals(await names_in(folder), []);
});

test_kinds("the path can be used again as soon as close() has resolved", async (
  kind,
  _folder,
  path,
) => {
  for (let turn = 0; turn < 5; turn++) {
    const server = kind.listen(path);
    await assert_serves(server, kind, path);
    await server.close();
  }
});

test_kinds(
  "an abstract name works, is in use while it is, and leaves no file",
  async (kind, folder) => {
    const name = `\0${folder.path}`;
    for (let turn = 0; turn < 2; turn++) {
      const server = kind.listen(name);
      await assert_serves(server, kind, name);
      assertThrows(() => kind.listen(name), Deno.errors.AddrInUse);
      await assert_serves(server, kind, name);
      await server.close();
    }
    assertEquals(await names_in(folder), []);
  },
  Deno.build.os !== "linux",
);

Deno.test("a path that is in use and then gone is bound", async () => {
  await using folder = await TempFolder.make();
  let calls = 0;
  const [bound] = SocketPath.bind({ transport: "unix", path: folder.join("server") }, (path) => {
    if (calls++ === 0) throw new Deno.errors.AddrInUse("Somebody closes it just now");
    return path;
  });
  assertEquals([bound, calls], [folder.join("server"), 2]);
});
