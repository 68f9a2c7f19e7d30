/** Clients without manners: those that leave in the middle, never read, never end, or send nonsense. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import net from "node:net";
import { fileURLToPath } from "node:url";
import type { TCPServer } from "../../mod.ts";
import { names_with_native } from "../fixtures/servers/named_servers.ts";
import { ALL_WAYS, test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { bytes_of } from "../fixtures/tools/bytes.ts";
import { ask, connect_and_reset, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { children_of, cpu_time, resident_of } from "../fixtures/programs/processes.ts";
import { is_there, Program } from "../fixtures/programs/programs.ts";
import {
  CarelessHandler,
  POURED,
  PouringHandler,
  RudeHandler,
} from "../fixtures/handlers/rude_handlers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make, type Way } from "../fixtures/servers/tcp_servers.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const MIB = 1_048_576;
const ignore = Deno.build.os !== "linux" || !is_there("ps");
/** How a connection gets to a worker makes no difference to what is promised, but for memory. */
const hands_over = ({ relay }: Way) => !relay;

function make_noting(way: Way): TCPServer & NotingMembers {
  const Server = Noting(way.Server) as typeof TCPServer;
  return make({ ...way, Server }, RudeHandler, { max_children: 2 }) as TCPServer & NotingMembers;
}

test_ways_at_once(
  "a line that ends in FIN reaches the handler in part, no line is the end",
  hands_over,
  async (way) => {
    await using server = serving(make_noting(way));
    for (const text of ["half a li", ""]) {
      using client = await LineClient.connect(server.server_address);
      await client.conn.write(bytes_of(text));
      await client.conn.closeWrite();
      assertEquals(await soon(client.line()), null);
    }
    await soon(server.log.until(({ entries }) => entries.includes("partial half a li")));
    assertEquals(await soon(ask(server.server_address, "next")), "NEXT");
    assertEquals(server.log.errors, []);
  },
);

test_ways_at_once(
  "who sends FIN and nothing else has all of the answer",
  () => true,
  async (way) => {
    await using server = serving(make(way, PouringHandler, { max_children: 2 }));
    for (let count = 0; count < 3; count++) {
      using client = await LineClient.connect(server.server_address);
      await client.conn.closeWrite();
      const { length } = await soon(new Response(client.conn.readable).bytes());
      assertEquals(length, POURED);
    }
    assertEquals(server.info().failed, 0);
  },
);

test_ways_at_once(
  "a forgotten await harms nobody when its client goes away",
  ({ concurrent }) => concurrent,
  async (way) => {
    await using server = serving(make(way, CarelessHandler, { max_workers: 1, max_children: 2 }));
    using other = await LineClient.connect(server.server_address);
    assertEquals(await soon(other.ask("before")), "before");
    for (let count = 0; count < 3; count++) {
      using client = await LineClient.connect(server.server_address);
      await client.conn.write(bytes_of("pour\n"));
      await client.conn.read(new Uint8Array(1));
      // What it was sent and has not read makes this a reset.
    }
    await soon(until(() => server.info().active === 1));
    assertEquals(await soon(other.ask("after")), "after");
  },
);

test_ways_at_once(
  "a line without end is refused at 64 KiB, random bytes do no harm",
  hands_over,
  async (way) => {
    await using server = serving(make_noting(way));
    const { errors } = server.log;
    {
      using client = await LineClient.connect(server.server_address);
      const flood = send_for_ever(client.conn, new Uint8Array(65_536).fill(97));
      await soon(server.log.until(() => errors.length > 0));
      const error = errors[0] as Error;
      assertEquals(error.name, "InvalidData");
      assertStringIncludes(error.message, "65536 bytes");
      // The connection is closed after what it still reads of the flood: 1 MiB, or for `linger`.
      assert(await soon(flood) < 32 * MIB);
      assertEquals(await soon(ask(server.server_address, "next")), "NEXT");
      assertEquals(errors.length, 1);
      assertEquals(server.info().failed, 1);
    }
    for (let count = 0; count < 20; count++) {
      using client = await LineClient.connect(server.server_address);
      await client.conn.write(crypto.getRandomValues(new Uint8Array(65_536))).catch(() => {});
      await client.conn.closeWrite().catch(() => {});
    }
    assertEquals(await soon(ask(server.server_address, "last")), "LAST");
    for (const error of errors) {
      // Some are gone before they have their answers.
      assert(["InvalidData", "BrokenPipe", "ConnectionReset"].includes((error as Error).name));
    }
  },
);

test_ways_at_once(
  "connections that were reset before serving began are passed over",
  hands_over,
  async (way) => {
    const server = make_noting(way);
    for (let count = 0; count < 50; count++) await connect_and_reset(server.server_address);
    await using _ = serving(server);
    assertEquals(await soon(ask(server.server_address, "next")), "NEXT");
    // Workers learn of it from their first read, which is an error that is not printed.
    for (const error of server.log.errors) assertEquals((error as Error).name, "ConnectionReset");
  },
);

test_ways_at_once(
  "only the stack of a handler's own error is printed, whenever clients reset",
  hands_over,
  async (way) => {
    await using server = await RudeServer.start(way);
    const { address } = server;
    {
      // While TCPServer and a child are busy, so that they are reset before they are accepted.
      using busy = await LineClient.connect(address);
      await soon(busy.ask("busy"));
      await Promise.all(Array.from({ length: 100 }, () => connect_and_reset(address)));
    }
    for (let count = 0; count < 20; count++) {
      await reset_after(address, "half a li"); // in the middle of a line
      await reset_after(address, "hello\n"); // with the reply unread
    }
    for (let count = 0; count < 5; count++) {
      await reset_after(address, "pour\n", 1); // in the middle of a large reply
    }
    assertEquals(await soon(ask(address, "next")), "NEXT");
    using client = await LineClient.connect(address);
    await client.send("fail");
    assertEquals(await line_or_end(client), null);
    const printed = await server.errors();
    assertEquals(printed.match(/Exception occurred|Error:/g)?.length, 2, printed);
    assertStringIncludes(printed, "TypeError: bad line\n    at ");
    assertStringIncludes(printed, "rude_handlers.ts");
  },
);

for (const way of ALL_WAYS) {
  const { relay, concurrent } = way;
  const clients = concurrent && !way.name.startsWith("Forking") ? 50 : 1;
  // A relayed piece is garbage when it is sent, which V8 collects by the 64 MiB; without a bound it
  // would be 3 GiB.
  const bound = (relay ? 256 : 32) * MIB;
  Deno.test(
    `${way.name} holds its memory with ${clients} clients that never read, and as many that never end`,
    { ignore },
    async () => {
      await using server = await RudeServer.start(way);
      const { address } = server;
      await Promise.all(Array.from({ length: clients }, () => soon(ask(address, "first"))));
      const before = await server.memory();
      // A handler that reads nothing is not told that its client is gone, and TCPServer has one only.
      for (const rude of concurrent ? [never_read, never_end] : [never_read]) {
        const visits = await Promise.all(Array.from({ length: clients }, () => rude(address)));
        if (concurrent) assertEquals(await soon(ask(address, "next")), "NEXT");
        // What fits into the buffers of the system is there when nothing moves any more.
        await server.until_quiet();
        const grown = await server.memory() - before;
        assert(grown < bound, `${rude.name}: it grew by ${(grown / MIB).toFixed(1)} MiB`);
        for (const visit of visits) await visit[Symbol.asyncDispose]();
        assertEquals(await soon(ask(address, "last")), "LAST");
      }
    },
  );
}

const UDP = ["UDPServer", "ThreadingUDPServer"];

for (const name of names_with_native(UDP, ...UDP.map((name) => `Native${name}`))) {
  Deno.test({
    name:
      `${name} lives through 10,000 datagrams at once, empty ones and the longest, in its memory`,
    ignore,
    async fn() {
      await using server = await RudeServer.start({ name, relay: false });
      const to = server.address;
      const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      using _ = { [Symbol.dispose]: () => socket.close() };
      const answer = async (size: number) => {
        await socket.send(new Uint8Array(size), to);
        for (;;) {
          const [packet] = await soon(socket.receive());
          if (new TextDecoder().decode(packet) === String(size)) return;
        }
      };
      await answer(0);
      await answer(65_507);
      await answer(1);
      const before = await server.memory();
      const garbage = crypto.getRandomValues(new Uint8Array(1000));
      // From elsewhere: its answers would fill what this one receives with.
      const flooder = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      for (let count = 0; count < 10_000; count++) await flooder.send(garbage, to);
      flooder.close();
      await server.until_quiet();
      const grown = await server.memory() - before;
      assert(grown < 48 * MIB, `it grew by ${(grown / MIB).toFixed(1)} MiB`);
      await answer(7);
      assertEquals(await server.errors(), "");
    },
  });
}

const RUDE_SERVER = fileURLToPath(new URL("../fixtures/programs/rude_server.ts", import.meta.url));

/** A server in a process of its own. */
class RudeServer implements AsyncDisposable {
  readonly address: Deno.NetAddr;
  #program: Program;

  private constructor(program: Program, address: Deno.NetAddr) {
    this.#program = program;
    this.address = address;
  }

  static async start({ name, relay }: Pick<Way, "name" | "relay">): Promise<RudeServer> {
    const words = [name.replace(/,.*/, ""), ...(relay ? ["relay"] : [])];
    const program = new Program("run", "-A", "--unstable-net", RUDE_SERVER, ...words);
    return new RudeServer(program, JSON.parse(await soon(program.line())));
  }

  /** The memory of its process and of its children, in bytes. */
  async memory(): Promise<number> {
    return (await this.#pids()).reduce((sum, pid) => sum + resident_of(pid), 0);
  }

  /** Resolves when its memory and what it has done stay the same for a while. */
  async until_quiet(): Promise<void> {
    for (let [before, quiet] = [-1, 0]; quiet < 3;) {
      const now = (await this.#pids()).reduce((sum, pid) => sum + cpu_time(pid), 0);
      quiet = now - before <= 10 ? quiet + 1 : 0;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Has it close; gives what it has printed to standard error. */
  async errors(): Promise<string> {
    this.#program.child.kill("SIGTERM");
    return await soon(this.#program.errors());
  }

  async #pids(): Promise<number[]> {
    const { pid } = this.#program.child;
    return [pid, ...(await children_of(pid)).map((line) => parseInt(line))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** Has the handler write 64 MiB, and reads nothing. */
async function never_read(address: Deno.NetAddr): Promise<AsyncDisposable> {
  const client = await LineClient.connect(address);
  await client.send("pour");
  return { [Symbol.asyncDispose]: async () => await client[Symbol.dispose]() };
}

/** Sends 64 MiB to a handler that reads none of them. */
async function never_end(address: Deno.NetAddr): Promise<AsyncDisposable> {
  const client = await LineClient.connect(address);
  assertEquals(await soon(client.ask("deaf")), "deaf");
  const flood = send_for_ever(client.conn, new Uint8Array(65_536), 64 * MIB);
  return {
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      assert(await flood < 64 * MIB, "all of it went somewhere");
    },
  };
}

/** Sends the same bytes until that fails, or so many are sent; gives how many were. */
async function send_for_ever(conn: Deno.Conn, bytes: Uint8Array, most = Infinity): Promise<number> {
  let sent = 0;
  try {
    while (sent < most) sent += await conn.write(bytes);
  } catch (error) {
    assertInstanceOf(error, Error);
  }
  return sent;
}

/** Connects, sends something, reads a while, and closes with a reset. */
async function reset_after(address: Deno.NetAddr, text: string, pieces = 0): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = net.connect(address.port, address.hostname, () => {
      socket.write(text, () => {
        if (pieces === 0) socket.resetAndDestroy();
      });
    });
    let left = pieces;
    socket.on("data", () => {
      if (--left === 0) socket.resetAndDestroy();
    });
    if (pieces === 0) socket.pause();
    socket.on("close", () => resolve());
    socket.on("error", () => {});
  });
}
