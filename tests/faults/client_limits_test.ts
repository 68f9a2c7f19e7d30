/** `max_requests_per_client`, `allow` and `deny`: exact under bursts, and before anything is read. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AsyncUDPServer,
  type BaseServer,
  ForkingUDPServer,
  type OverflowReason,
  type ServerOptions,
  type TCPRequest,
  TCPServer,
  ThreadingUDPServer,
  type UDPServer,
} from "../../mod.ts";
import { or_end } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { ask_from } from "../fixtures/clients/from_address.ts";
import {
  PerClient,
  PerClientHandler,
  type PerClientMembers,
} from "../fixtures/handlers/client_handlers.ts";
import { Counting, LimitPacketHandler } from "../fixtures/handlers/limit_handlers.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import {
  ALL_WAYS,
  FORKING,
  test_each_way,
  test_ways_at_once,
} from "../fixtures/servers/all_ways.ts";
import { Haproxy } from "../fixtures/programs/haproxy.ts";
import { is_there } from "../fixtures/programs/programs.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make, type Way } from "../fixtures/servers/tcp_servers.ts";
import { has_ipv6 } from "../fixtures/tools/addresses.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";

type PerClientServer = TCPServer & PerClientMembers & AsyncDisposable;

const linux = Deno.build.os === "linux";
/** The clients: only Linux has more loopback addresses than one. */
const CLIENTS = linux ? ["127.0.0.1", "127.0.0.2"] : ["127.0.0.1"];
const MAX = 10;

/** Serves in one of the ways, and counts the handlers of each client. */
function serve(way: Way, options: ServerOptions, hooks: object = {}): PerClientServer {
  const Server = PerClient(way.Server) as unknown as typeof TCPServer;
  const server = make({ ...way, Server }, PerClientHandler, {
    max_workers: 2,
    max_children: 4,
    allow_reuse_port: way.relay,
    ...options,
  });
  return serving(Object.assign(server, hooks)) as unknown as PerClientServer;
}

/** So many requests of each client, all at once, and how often each got each answer. */
async function burst(
  server: { server_address: Deno.NetAddr },
  each: number,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const asked = Array.from({ length: each }, () => CLIENTS).flat().map(async (client) => {
    const answer = `${client}: ${await soon(ask_from(client, server.server_address, "hello"))}`;
    counts[answer] = (counts[answer] ?? 0) + 1;
  });
  await Promise.all(asked);
  return counts;
}

/** The same answers of each client. */
function of_each(answers: Record<string, number>): Record<string, number> {
  const named = CLIENTS.flatMap((client) =>
    Object.entries(answers).map(([answer, count]) => [`${client}: ${answer}`, count])
  );
  return Object.fromEntries(named);
}

/** The counters when all are over, those of refusals by their reasons; what is 0 is left out. */
async function counts_of(server: BaseServer): Promise<Record<string, number>> {
  const over = () => {
    const { accepted, completed, failed, refused, timed_out } = server.info();
    return accepted === completed + failed + refused + timed_out;
  };
  await soon(until(over));
  const { active, waiting, accepted, completed, failed, refused, timed_out, refused_by } = server
    .info();
  const sum = Object.values(refused_by).reduce((one, other) => one + other);
  assertEquals(sum, refused, "the reasons do not add up");
  const all = { active, waiting, accepted, completed, failed, timed_out, ...refused_by };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

const full = async (request: TCPRequest, _client: unknown, reason: OverflowReason) =>
  await request.sendall(bytes_of(`full: ${reason}\n`));

/** 500 connections at once to a place, for a server in one of the ways that lets each client have {@linkcode MAX}. */
async function flood(
  way: Way,
  server: PerClientServer,
  place: { server_address: Deno.NetAddr } = server,
): Promise<void> {
  const each = 500 / CLIENTS.length;
  const answers = burst(place, each);
  const most = CLIENTS.length * MAX;
  await soon(until(() => server.info().refused === 500 - most));
  const { active, waiting } = server.info();
  assertEquals(active + waiting, most);
  // A child has one request at a time: the others wait, and count.
  const begun = () => Object.values(server.most).reduce((one, other) => one + other, 0);
  await soon(until(() => begun() === (way === FORKING ? 4 : most)));
  server.open_gate();
  assertEquals(
    await answers,
    of_each({ served: MAX, "full: per_client": each - MAX }),
  );
  for (const count of Object.values(server.most)) assert(count <= MAX, `${count} at once`);
  const counts = { accepted: 500, completed: most, per_client: 500 - most };
  assertEquals(await counts_of(server), counts);
  // All places are free again.
  assertEquals(await burst(place, MAX), of_each({ served: MAX }));
}

test_each_way(
  "of 500 connections at once, each client has as many as it may, and the others hear so",
  (way) => way.concurrent,
  async (way) => {
    await using server = serve(way, { max_requests_per_client: MAX }, { handle_overflow: full });
    await flood(way, server);
  },
);

test_each_way(
  "the same behind HAProxy",
  (way) => way.concurrent && is_there("haproxy"),
  async (way) => {
    const options = {
      max_requests_per_client: MAX,
      proxy_protocol: "required",
      trusted_proxies: ["127.0.0.1"],
      // A busy machine is no slow proxy.
      proxy_timeout: Infinity,
    } as const;
    await using server = serve(way, options, { handle_overflow: full });
    await using haproxy = await Haproxy.start(server.server_address, "send-proxy-v2");
    await flood(way, server, { server_address: haproxy.address });
    assertEquals(server.info().proxy_rejected, 0);
  },
);

Deno.test("TCPServer: 500 connections at once are served one by one, and none is refused", async () => {
  const [sequential] = ALL_WAYS;
  await using server = serve(sequential!, { max_requests_per_client: 1 });
  server.open_gate();
  assertEquals(
    await burst(server, 500 / CLIENTS.length),
    of_each({ served: 500 / CLIENTS.length }),
  );
  assertEquals(await counts_of(server), { accepted: 500, completed: 500 });
});

test_each_way(
  "a client never has more than it may while its requests come and go",
  (way) => way.concurrent,
  async (way) => {
    await using server = serve(way, { max_requests_per_client: 3 });
    server.open_gate();
    for (let round = 0; round < 5; round++) await burst(server, 20);
    for (const count of Object.values(server.most)) assert(count <= 3, `${count} at once`);
    const { accepted, completed = 0, per_client = 0 } = await counts_of(server);
    assertEquals(accepted, 100 * CLIENTS.length);
    assertEquals(completed + per_client, accepted);
  },
);

test_ways_at_once("lists of addresses decide, and deny wins", () => true, async (way) => {
  const [client = "", other = client] = CLIENTS;
  const lists = { allow: ["127.0.0.0/8"], deny: [`${other}/32`] };
  const verified: string[] = [];
  const verify_request = (_request: unknown, { hostname }: Deno.NetAddr) => {
    verified.push(hostname);
    return true;
  };
  await using server = serve(way, lists, { verify_request });
  server.open_gate();
  assertEquals(await ask_from(other, server.server_address, "hello"), "");
  assertEquals(verified, []);
  server.configure({ deny: null });
  assertEquals(await ask_from(client, server.server_address, "hello"), "served");
  server.configure({ allow: ["10.0.0.0/8"] });
  assertEquals(await ask_from(client, server.server_address, "hello"), "");
  assertEquals(await counts_of(server), { accepted: 3, completed: 1, denied: 2 });
});

test_ways_at_once(
  "who is denied is closed at once: nobody reads what it sends",
  (way) => !way.relay,
  async (way) => {
    await using server = serve(way, { deny: ["127.0.0.1"], linger: 60_000 });
    using client = await Deno.connect(server.server_address);
    // While a connection lingers it can be written to.
    const is_closed = () => client.write(bytes_of("more\n")).then(() => false, () => true);
    await soon(until(is_closed));
    assertEquals(await counts_of(server), { accepted: 1, denied: 1 });
  },
);

Deno.test({
  name: "an IPv4 client of an IPv6 server is on the lists with its IPv4 address",
  ignore: !has_ipv6(),
  fn: async () => {
    const deny = ["127.0.0.0/8"];
    await using server = serving(new TCPServer(["::", 0], UpperHandler, { deny, linger: 0 }));
    const { port } = server.server_address;
    const ask = async (hostname: string) => {
      using client = await Deno.connect({ hostname, port });
      await client.write(bytes_of("hello\n"));
      const bytes = new Uint8Array(100);
      const length = await or_end(soon(client.read(bytes)));
      return length === null ? null : text_of(bytes.subarray(0, length)).trim();
    };
    assertEquals(await ask("127.0.0.1"), null);
    assertEquals(await ask("::1"), "HELLO");
  },
});

Deno.test("the lists of a server cannot be changed behind its back", async () => {
  const deny = ["10.0.0.1"];
  await using server = new TCPServer(["127.0.0.1", 0], UpperHandler, { deny });
  deny.push("nonsense");
  assertEquals(server.deny, ["10.0.0.1"]);
  assertThrows(() => (server.deny as string[]).push("10.0.0.2"), TypeError);
});

Deno.test("client_key() must give a text: otherwise the request fails, and the server lives", async () => {
  const [, async_way] = ALL_WAYS;
  // One that rejects later ends no program.
  const unlucky = async () => {
    await turn();
    throw new Error("There is no key");
  };
  const keys = [() => undefined, unlucky, () => 7, () => "one"];
  const client_key = () => keys.shift()!();
  await using server = serve(async_way!, { max_requests_per_client: 1 }, { client_key });
  server.open_gate();
  const answers = [];
  for (let n = 0; n < 4; n++) {
    answers.push(await ask_from("127.0.0.1", server.server_address, "hello"));
  }
  assertEquals(answers, ["", "", "", "served"]);
  assertEquals(server.log.errors.length, 3);
  for (const error of server.log.errors) assert(error instanceof TypeError, `${error}`);
  assertEquals(await counts_of(server), { accepted: 4, completed: 1, failed: 3 });
});

Deno.test("an override of client_key() says who is one client", async () => {
  const [, async_way] = ALL_WAYS;
  const client_key = () => "everybody";
  await using server = serve(async_way!, { max_requests_per_client: 2 }, { client_key });
  const answers = burst(server, 5);
  const all = 5 * CLIENTS.length;
  await soon(until(() => server.info().refused === all - 2));
  server.open_gate();
  await answers;
  assertEquals(await counts_of(server), { accepted: all, completed: 2, per_client: all - 2 });
});

Deno.test("a handle_overflow() with two parameters is called for both reasons", async () => {
  const [, async_way] = ALL_WAYS;
  const handle_overflow = async (request: TCPRequest, { hostname }: Deno.NetAddr) =>
    await request.sendall(bytes_of(`not now, ${hostname}\n`));
  const options = { max_requests: 3, max_requests_per_client: 2, overflow: "refuse" as const };
  await using server = serve(async_way!, options, { handle_overflow });
  const answers = burst(server, 10);
  const all = 10 * CLIENTS.length;
  const served = Math.min(2 * CLIENTS.length, 3);
  await soon(until(() => server.info().refused === all - served));
  server.open_gate();
  await answers;
  const { overflow = 0, per_client = 0, completed } = await counts_of(server);
  assertEquals([completed, overflow + per_client], [served, all - served]);
});

Deno.test("a Unix server counts its clients as one, and none is on a list", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const { UnixStreamServer } = await import("../../mod.ts");
  const { TempFolder } = await import("../fixtures/tools/temp_folder.ts");
  await using folder = await TempFolder.make();
  const options = { allow: ["0.0.0.0/0", "::/0"], linger: 0 };
  await using server = serving(
    new UnixStreamServer(folder.join("socket"), UpperHandler, options),
  );
  assertEquals(server.client_key({ transport: "unix", path: "" }), "");
  using client = await Deno.connect(server.server_address);
  assertEquals(await or_end(soon(client.read(new Uint8Array(1)))), null);
  assertEquals(await counts_of(server), { accepted: 1, denied: 1 });
});

Deno.test("datagrams: each client has as many under way as it may, and lists decide", async () => {
  await at_once(
    with_native([AsyncUDPServer, ThreadingUDPServer, ForkingUDPServer] as (typeof UDPServer)[]),
    ({ name }) => name,
    async (Server) => {
      const Counted = Counting(Server);
      const options = { max_requests_per_client: 2, max_workers: 1, max_children: 4 };
      const server = new Counted(["127.0.0.1", 0], LimitPacketHandler, options);
      server.handle_overflow = async ([packet, socket], address, reason) => {
        await socket.sendto(bytes_of(`${text_of(packet)}: ${reason}`), address);
      };
      await using _closing = serving(server);
      const clients = CLIENTS.map((place) => new DatagramClient(server.server_address, place));
      for (const client of clients) {
        for (const name of ["1", "2", "3"]) {
          const { accepted } = server.info();
          await client.send(name);
          await soon(until(() => server.info().accepted === accepted + 1));
        }
        assertEquals(text_of(await client.receive()), "3: per_client");
      }
      server.open_gate();
      for (const client of clients) {
        const heard = [text_of(await client.receive()), text_of(await client.receive())];
        assertEquals(heard.sort(), ["1", "2"]);
      }
      const all = clients.length;
      const counts = { accepted: 3 * all, completed: 2 * all, per_client: all };
      assertEquals(await counts_of(server), counts);
      server.configure({ deny: ["127.0.0.0/8"] });
      await clients[0]!.send("denied");
      await soon(until(() => server.info().refused_by.denied === 1));
      for (const client of clients) client[Symbol.dispose]();
    },
  );
});
