/** The cases of ForkingMixIn: 3, 6, 9, 12, 21, 22 and 41. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  type BaseServer,
  ForkingTCPServer,
  ForkingUDPServer,
  ForkingUnixDatagramServer,
  ForkingUnixStreamServer,
} from "../../mod.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { echo_case, tcp, udp, unix, unix_datagram } from "./echo_cases.ts";
import { ExitingHandler, FailingHandler, VisitHandler } from "./handlers.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { exiting_case, failing_case } from "./error_cases.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS = { max_children: 2, linger: 200 };
const ignore = Deno.build.os === "windows";

/** The children that are handling a request. */
function children_of(server: BaseServer<Deno.Addr, never, never>): Set<number> {
  return (server as unknown as ForkingTCPServer).active_children;
}

const assert_no_children: Parameters<typeof echo_case>[1] = (server) => {
  assertEquals(children_of(server).size, 0);
};

Deno.test("B3: ForkingTCPServer answers three clients, stops, and leaves no child", async () => {
  await echo_case(tcp(ForkingTCPServer), assert_no_children);
});

Deno.test("B3: ForkingTCPServer leaves a child alone that the program has started itself", async () => {
  const echo = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable); Deno.exit(7);";
  await using program = new Program("eval", echo);
  await echo_case(tcp(ForkingTCPServer));
  await program.send("still there?\n");
  assertEquals(await program.line(), "still there?");
  await program.child.stdin.close();
  assertEquals((await program.status()).code, 7);
});

Deno.test("B6: ForkingUnixStreamServer answers three clients, stops, and leaves no child", {
  ignore,
}, async () => {
  await echo_case(unix(ForkingUnixStreamServer), assert_no_children);
});

Deno.test("B9: ForkingUDPServer answers three clients, stops, and leaves no child", async () => {
  await echo_case(udp(ForkingUDPServer), assert_no_children);
});

Deno.test("B12: ForkingUnixDatagramServer answers three clients, stops, and leaves no child", {
  ignore,
}, async () => {
  await echo_case(unix_datagram(ForkingUnixDatagramServer), assert_no_children);
});

Deno.test("B21: ForkingTCPServer: an error of a handler goes to handle_error() of the server's process", async () => {
  await using server = new (Noting(ForkingTCPServer))(HERE, FailingHandler, OPTIONS);
  await failing_case(server);
});

Deno.test("B22: ForkingTCPServer: Deno.exit() in a handler ends only its child, and the server goes on", async () => {
  await using server = serving(new (Noting(ForkingTCPServer))(HERE, ExitingHandler, OPTIONS));
  await exiting_case(server, 3);
  await soon(until(() => server.active_children.size === 0));
});

Deno.test("B41: ForkingTCPServer handles no more than max_children requests at once, and the rest in turn", async () => {
  await using server = serving(new (Noting(ForkingTCPServer))(HERE, VisitHandler, OPTIONS));
  const clients = [];
  for (let n = 0; n < 5; n++) clients.push(await LineClient.connect(server.server_address));
  await soon(server.log.until(({ entries }) => entries.length === 2));
  const pids = [...server.active_children];
  assertEquals(pids.length, 2);
  assertNotEquals(pids[0], pids[1]);
  assert(!pids.includes(Deno.pid), "it is handled in the server's process");
  const known = server.info().workers!.map(({ pid }) => pid);
  for (const pid of pids) assert(known.includes(pid), `info() knows no child ${pid}`);
  await Promise.all(clients.map(async (client) => {
    assertEquals(await soon(client.line()), "in");
    assert(server.active_children.size <= 2);
    assertEquals(await soon(client.ask("go")), "out");
    client[Symbol.dispose]();
  }));
  let inside = 0;
  for (const entry of server.log.entries) {
    inside += entry === "begin" ? 1 : -1;
    assert(inside <= 2, `too many at once: ${server.log.entries}`);
  }
  assertEquals(server.log.entries.length, 10);
  await soon(until(() => server.active_children.size === 0));
});
