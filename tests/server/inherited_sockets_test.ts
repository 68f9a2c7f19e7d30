/** Servers over sockets that listen already: those of systemd, and of others that hold them. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  AsyncTCPServer,
  AsyncUnixStreamServer,
  ForkingTCPServer,
  TCPServer,
  ThreadingTCPServer,
  UnixStreamServer,
} from "../../mod.ts";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { V1 } from "../fixtures/clients/proxy_headers.ts";
import { EchoHandler, UpperHandler } from "../fixtures/handlers/handlers.ts";
import { children_of } from "../fixtures/programs/processes.ts";
import { ending_of, is_there, Program } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { SharedSocket } from "../fixtures/servers/shared_socket.ts";
import { free_address, has_ipv6 } from "../fixtures/tools/addresses.ts";
import { write_bytes } from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";

const SERVER = fileURLToPath(
  new URL("../fixtures/programs/inheriting_server.ts", import.meta.url),
);
const MODULE = new URL("../../mod.ts", import.meta.url).href;
const windows = Deno.build.os === "windows";
const SUSPENDED = ", though it is suspended";
const WAYS = [TCPServer, AsyncTCPServer, ThreadingTCPServer, ForkingTCPServer];

for (const [Server, is_suspended] of WAYS.flatMap((Way) => [[Way, false], [Way, true]] as const)) {
  const words = is_suspended ? SUSPENDED : "";
  Deno.test({
    name:
      `${Server.name}: what it has accepted of a shared socket is served when it closes${words}`,
    ignore: windows,
    async fn() {
      await using socket = await SharedSocket.listen();
      const places = { max_requests: 1, max_workers: 1, max_children: 1 };
      const server = new Server(["127.0.0.1", 0], UpperHandler, {
        inherit: socket.descriptor(),
        ...places,
      });
      const loop = server.serve_forever();
      // One is served, and idle; the others wait for it.
      using first = await LineClient.connect(server.server_address);
      assertEquals(await first.ask("first"), "FIRST");
      const others = await Promise.all(
        Array.from({ length: 5 }, () => LineClient.connect(server.server_address)),
      );
      await Promise.all(others.map((client) => client.send("late")));
      for (let turns = 0; turns < 20; turns++) await turn();
      if (is_suspended) server.suspend();
      const closing = server.server_close({ grace: 20_000 });
      for (const client of others) {
        assertEquals(await client.line(), "LATE");
        assertEquals(await client.line(), null);
        client[Symbol.dispose]();
      }
      assertEquals(await first.line(), null);
      await soon(closing);
      await soon(loop);
      const { completed, failed, refused } = server.info();
      assertEquals({ completed, failed, refused }, { completed: 6, failed: 0, refused: 0 });
    },
  });
}

Deno.test({
  name: "a client that connected just before the end may still ask, one that is idle may not",
  ignore: windows,
  async fn() {
    await using socket = await SharedSocket.listen();
    const options = { inherit: socket.descriptor() };
    const server = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler, options);
    const loop = server.serve_forever();
    using idle = await LineClient.connect(server.server_address);
    assertEquals(await idle.ask("one"), "ONE");
    using fresh = await LineClient.connect(server.server_address);
    while (server.info().active < 2) await turn();
    const closing = server.server_close({ grace: 20_000 });
    assertEquals(await idle.line(), null);
    assertEquals(await fresh.ask("two"), "TWO");
    assertEquals(await fresh.line(), null);
    await soon(closing);
    await soon(loop);
  },
});

for (const is_suspended of [false, true]) {
  Deno.test({
    name: `headers of the PROXY protocol that are being read at the end are read${
      is_suspended ? SUSPENDED : ""
    }`,
    ignore: windows,
    async fn() {
      await using socket = await SharedSocket.listen();
      const server = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler, {
        inherit: socket.descriptor(),
        proxy_protocol: "required",
        trusted_proxies: ["*"],
        proxy_timeout: Infinity,
      });
      const loop = server.serve_forever();
      using client = await LineClient.connect(server.server_address);
      await write_bytes(client.conn, V1.subarray(0, 10));
      for (let turns = 0; turns < 20; turns++) await turn();
      if (is_suspended) server.suspend();
      const closing = server.server_close({ grace: 600_000 });
      for (let turns = 0; turns < 20; turns++) await turn();
      await write_bytes(client.conn, V1.subarray(10));
      assertEquals(await client.ask("late"), "LATE");
      await soon(closing);
      await soon(loop);
    },
  });
}

Deno.test({
  name: "while a server does not serve, another one at the same socket has all the clients",
  ignore: windows,
  async fn() {
    await using socket = await SharedSocket.listen();
    const make = (Handler: typeof UpperHandler | typeof EchoHandler) =>
      new AsyncTCPServer(["127.0.0.1", 0], Handler, { inherit: socket.descriptor() });
    await using upper = make(UpperHandler);
    await using echo = make(EchoHandler);
    const address = upper.server_address;
    for (const [server, answer] of [[upper, "HELLO"], [echo, "hello"], [upper, "HELLO"]] as const) {
      const loop = server.serve_forever();
      for (let count = 0; count < 20; count++) assertEquals(await ask(address, "hello"), answer);
      await soon(server.shutdown());
      await soon(loop);
    }
  },
});

Deno.test({
  name: "a server that never served lets go of a shared socket",
  ignore: windows,
  async fn() {
    await using socket = await SharedSocket.listen();
    const options = { inherit: socket.descriptor() };
    const server = new ThreadingTCPServer(["127.0.0.1", 0], UpperHandler, options);
    const asking = ask(server.server_address, "hello");
    await soon(server.server_close());
    const next = { inherit: socket.descriptor() };
    await using other = serving(new AsyncTCPServer(["127.0.0.1", 0], UpperHandler, next));
    assertEquals(await soon(asking), "HELLO");
    assertEquals(other.server_address, server.server_address);
  },
});

Deno.test({
  name: "the path of a shared socket stays, and means what the program says",
  ignore: windows,
  async fn() {
    await using folder = await TempFolder.make();
    const path = folder.join("shared.sock");
    await using socket = await SharedSocket.listen(path);
    for (let turns = 0; turns < 2; turns++) {
      const options = { inherit: socket.descriptor() };
      await using server = serving(new AsyncUnixStreamServer(path, UpperHandler, options));
      assertEquals(server.server_address.path, path);
      using client = await LineClient.connect(server.server_address);
      assertEquals(await client.ask("hello"), "HELLO");
    }
    assert((await Deno.lstat(path)).isSocket);
  },
});

Deno.test({
  name: "what is no socket of the right kind is NotSupported",
  ignore: windows,
  async fn() {
    await using folder = await TempFolder.make();
    await using tcp = await SharedSocket.listen();
    await using unix = await SharedSocket.listen(folder.join("shared.sock"));
    const refused = Deno.errors.NotSupported;
    for (const inherit of [unix.descriptor(), 9999]) {
      assertThrows(() => new TCPServer(["127.0.0.1", 0], UpperHandler, { inherit }), refused);
    }
    for (const inherit of [tcp.descriptor(), 9999]) {
      assertThrows(() => new UnixStreamServer("/nowhere", UpperHandler, { inherit }), refused);
    }
    // Their errors come a turn later.
    for (let turns = 0; turns < 5; turns++) await turn();
  },
});

/** What a program tells of the sockets that it was started with. */
async function told(variables: Record<string, string>, code: string) {
  const program = `import * as mod from ${JSON.stringify(MODULE)}; ${code}`;
  return await ending_of(Deno.execPath(), ["eval", program], {
    env: { NO_COLOR: "1", ...variables },
  });
}

Deno.test("inherited_sockets(): each with its name; none that are another process's", async () => {
  const list = "console.log(JSON.stringify(mod.inherited_sockets()))";
  const web = { fd: 3, name: "web" };
  for (
    const [variables, expected] of [
      [{ LISTEN_FDS: "2", LISTEN_FDNAMES: "web:admin" }, [web, { fd: 4, name: "admin" }]],
      [{ LISTEN_FDS: "2" }, [{ fd: 3, name: "" }, { fd: 4, name: "" }]],
      [{ LISTEN_FDS: "1", LISTEN_PID: "1", LISTEN_FDNAMES: "web" }, []],
      [{ LISTEN_FDS: "many" }, []],
      [{}, []],
    ] as const
  ) {
    assertEquals(JSON.parse((await told(variables, list)).output), expected);
  }
});

Deno.test({
  name: "a socket that is not there is NotFound, with those that are",
  ignore: windows,
  async fn() {
    const make = 'new mod.TCPServer(["127.0.0.1", 0], class { run() {} }, { inherit: "web" })';
    const { code, errors } = await told({ LISTEN_FDS: "1", LISTEN_FDNAMES: "admin" }, make);
    assertEquals(code, 1);
    assertStringIncludes(errors, 'NotFound: Cannot inherit the socket "web"');
    assertStringIncludes(errors, "admin (3)");
  },
});

const has_activator = is_there("systemd-socket-activate");
const ACTIVATOR = has_activator ? "systemd-socket-activate" : "systemd-socket-activate (missing)";
const VARIABLES = "--allow-env=LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES";

/** A program that is started when the first client comes; the words before `--` are the activator's. */
class Activated extends Program {
  protected override command_line(args: string[]): [file: string, ...args: string[]] {
    const kept = ["HOME", "DENO_DIR", "NO_COLOR"].flatMap((name) => ["-E", name]);
    const at = args.indexOf("--");
    const [own, deno] = [args.slice(0, at), args.slice(at + 1)];
    return ["systemd-socket-activate", ...kept, ...own, Deno.execPath(), ...deno];
  }
}

/** Asks, once there is somebody to connect to. */
async function ask_activated(address: Deno.NetAddr | Deno.UnixAddr): Promise<string | null> {
  let answer: string | null = null;
  await until(async () => {
    using client = await LineClient.connect(address).catch(() => undefined);
    if (!client) return false;
    answer = await client.ask("hello");
    return true;
  });
  return answer;
}

const at = ({ hostname, port }: Deno.NetAddr) => `${hostname}:${port}`;

for (const { name } of WAYS) {
  Deno.test({
    name: `${ACTIVATOR}: ${name} has the socket of its name`,
    ignore: !has_activator,
    async fn() {
      const [other, web] = [free_address(), free_address()];
      await using program = new Activated(
        ...["-l", at(other), "-l", at(web), "--fdname=other:web", "--"],
        ...["run", "-A", SERVER, name, '"web"'],
      );
      const answer = await ask_activated(web);
      assertEquals(JSON.parse(await program.line()), { ...web });
      const { pid } = program.child;
      const children = name.startsWith("Forking") ? await children_of(pid) : [];
      const pids = children.map((line) => parseInt(line));
      assert(
        [pid, ...pids].some((number) => answer === `${number} hello`),
        `${answer} of ${pid}, ${pids}`,
      );
      for (const child of pids) {
        assertEquals(sockets_of(child).has(listening_at(web)), false);
        assertEquals(Deno.readTextFileSync(`/proc/${child}/environ`).includes("LISTEN_"), false);
      }
      program.child.kill("SIGTERM");
      assertEquals((await program.status()).code, 0);
    },
  });
}

/** What the sockets of a process are called by the system. */
function sockets_of(pid: number): Set<string | undefined> {
  const folder = `/proc/${pid}/fd`;
  const links = [...Deno.readDirSync(folder)].map(({ name }) => {
    return Deno.readLinkSync(`${folder}/${name}`);
  });
  return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
}

/** What the socket that listens at a port is called there. */
function listening_at({ port }: Deno.NetAddr): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => {
    return line.trim().split(/\s+/);
  });
  return lines.find((words) => words[1]?.endsWith(`:${hex}`) && words[3] === "0A")![9]!;
}

Deno.test({
  name: `${ACTIVATOR}: a path`,
  ignore: !has_activator,
  async fn() {
    await using folder = await TempFolder.make();
    const path = folder.join("activated.sock");
    await using program = new Activated(
      ...["-l", path, "--", "run", "-A", SERVER, "AsyncUnixStreamServer", "true", path],
    );
    assertEquals(
      await ask_activated({ transport: "unix", path }),
      `${program.child.pid} hello`,
    );
    program.child.kill("SIGTERM");
    assertEquals((await program.status()).code, 0);
    assert((await Deno.lstat(path)).isSocket);
  },
});

Deno.test({
  name: `${ACTIVATOR}: IPv6, and no permission but the variables`,
  ignore: !has_activator || !has_ipv6(),
  async fn() {
    const { port } = free_address();
    await using program = new Activated(
      ...["-l", `[::1]:${port}`, "--", "run", "--no-prompt", VARIABLES, SERVER, "AsyncTCPServer"],
    );
    const address: Deno.NetAddr = { transport: "tcp", hostname: "::1", port };
    assertEquals(await ask_activated(address), `${program.child.pid} hello`);
    assertEquals(JSON.parse(await program.line()), address);
    program.child.kill("SIGTERM");
    assertEquals((await program.status()).code, 0);
  },
});
