/** A thousand requests that end in every way there is: what is told of them adds up. */
import { assert, assertEquals } from "@std/assert";
import { prometheus } from "../../operation/monitor/mod.ts";
import { connect_and_reset, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { ask_from } from "../fixtures/clients/from_address.ts";
import { FaultHandler } from "../fixtures/handlers/fault_handlers.ts";
import { FORKING } from "../fixtures/servers/all_ways.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { make, type Way, WAYS } from "../fixtures/servers/tcp_servers.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { Told } from "../fixtures/servers/told.ts";
import { PrometheusText } from "../fixtures/tools/prometheus_text.ts";
import { Random } from "../fixtures/tools/random.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** How many clients there are at once. */
const CLIENTS = 10;

/** What a client does, and how many of a thousand do it. */
const ACTS: [share: number, act: (address: Deno.NetAddr, way: Way) => Promise<unknown>][] = [
  [10, (address) => say(address, "!waits")],
  [10, (address, way) => say(address, way.workers ? "!closes itself" : "!throws")],
  [80, (address) => say(address, "!throws")],
  [80, (address) => connect_and_reset(address)],
  [40, (address) => ask_from("127.0.0.2", address, "from who is denied")],
  [60, (address) => leave_after(address, "a line, and gone")],
  [Infinity, (address) => say(address, "a line")],
];

/** Says something, and hears the answer, if there is one. */
async function say(address: Deno.NetAddr, line: string): Promise<void> {
  using client = await LineClient.connect(address);
  await client.send(line);
  await line_or_end(client);
}

async function leave_after(address: Deno.NetAddr, line: string): Promise<void> {
  using client = await LineClient.connect(address);
  await client.send(line);
}

const FOUR_WAYS = WAYS.filter((w) => w.name === "ThreadingTCPServer");

Deno.test("of 1,000 requests that are reset, cut and killed, each start has one stop", async () => {
  await at_once(FOUR_WAYS, ({ name }) => name, async (way) => {
    const random = new Random(23);
    const told = new Told();
    const Server = Noting(way.Server) as unknown as typeof way.Server;
    const server = make({ ...way, Server }, FaultHandler, {
      observer: told.observer,
      deny: ["127.0.0.2"],
      request_timeout: 200,
      max_requests: CLIENTS - 2,
      // Two children have no room for more than two clients.
      overflow: way === FORKING ? "queue" : "refuse",
      max_children: 2,
    });
    const address = server.server_address;
    const serving = server.serve_forever();
    let left = 1000 - CLIENTS;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (left-- > 0) {
        const at = random.below(1000);
        let sum = 0;
        const [, act] = ACTS.find(([share]) => (sum += share) > at)!;
        await act(address, way).catch((error) => {
          console.log("ACT", way.name, act.toString(), server.info(), told.events.slice(-6));
          throw error;
        });
      }
    });
    await Promise.all(clients);
    const { accepted } = server.info();
    // Those that are cut at the end, some of them before they have a handler.
    const last = await Promise.all(
      Array.from({ length: CLIENTS }, () => LineClient.connect(address)),
    );
    const wanted = accepted + (way.concurrent ? CLIENTS : 1);
    await until(() => server.info().accepted >= wanted);
    const result = await soon(server.server_close({ grace: 0 })).catch((e) => {
      console.log("CLOSE", server.info(), told.events.slice(-6));
      throw e;
    });
    await serving;
    for (const client of last) client[Symbol.dispose]();

    const info = server.info();
    assertEquals([info.active, info.waiting], [0, 0]);
    assertEquals({ ...info, ...told.sums() }, info);
    const [stop] = told.of("server.stop");
    assertEquals(result, { drained: stop!.drained, aborted: stop!.aborted });
    assert(result.drained + result.aborted > 0);
    const { completed, failed, timed_out, refused_by: { denied, overflow } } = info;
    const refuses = way.concurrent && way !== FORKING;
    const each = [completed, failed, timed_out, denied, ...(refuses ? [overflow] : [])];
    assert(each.every((count) => count > 0), `${way.name}: ${each}`);
    assert(!way.workers || told.of("worker.stop").some(({ reason }) => reason === "died"));

    const text = new PrometheusText(prometheus(server));
    for (const outcome of ["completed", "failed", "refused", "timed_out"] as const) {
      const count = info[outcome];
      assertEquals(text.value("socketserver_requests_total", { outcome }), count);
      const name = "socketserver_request_duration_seconds_count";
      assertEquals(text.value(name, { outcome }), count);
    }
    for (const [reason, count] of Object.entries(info.refused_by)) {
      assertEquals(text.value("socketserver_rejected_requests_total", { reason }), count);
    }
    assertEquals(text.value("socketserver_received_bytes_total"), info.bytes_in);
    assertEquals(text.value("socketserver_sent_bytes_total"), info.bytes_out);
  });
});
