import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncTCPServer, BaseRequestHandler, BaseServer } from "../../../mod.ts";
import { AsyncExecutor } from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { prometheus } from "../../../operation/monitor/mod.ts";
import { connect_tls, LOCALHOST as CERTIFICATE } from "../../fixtures/certificates/certificates.ts";
import { ask, LineClient } from "../../fixtures/clients/clients.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { FormatError, PrometheusText } from "../../fixtures/tools/prometheus_text.ts";
import { until } from "../../fixtures/tools/waiting.ts";

const LOCALHOST: [string, number] = ["127.0.0.1", 0];

Deno.test("prometheus() tells of a server what info() does", async () => {
  await using server = serving(new AsyncTCPServer(LOCALHOST, UpperHandler));
  for (let count = 0; count < 3; count++) assertEquals(await ask(server.server_address, "a"), "A");
  await until(() => server.info().completed === 3);
  const text = new PrometheusText(prometheus(server));
  const { port } = server.server_address;
  const own = { server: "AsyncTCPServer", address: `127.0.0.1:${port}` };
  assertEquals(text.value("socketserver_accepted_requests_total", own), 3);
  assertEquals(text.value("socketserver_requests_total", { ...own, outcome: "completed" }), 3);
  assertEquals(text.value("socketserver_received_bytes_total", own), 6);
  assertEquals(text.value("socketserver_sent_bytes_total", own), 6);
  assertEquals(text.value("socketserver_state", { state: "serving" }), 1);
  assertEquals(text.value("socketserver_state", { state: "idle" }), 0);
  const duration = "socketserver_request_duration_seconds";
  assertEquals(text.value(`${duration}_count`, { ...own, outcome: "completed" }), 3);
  assertEquals(text.value(`${duration}_count`, { ...own, outcome: "refused" }), 0);
  const { sum } = server.info().durations.completed;
  assertEquals(text.value(`${duration}_sum`, { outcome: "completed" }), sum / 1000);
});

Deno.test("prometheus() tells of TLS handshakes, good and bad", async () => {
  const options = { tls: CERTIFICATE };
  await using server = serving(new AsyncTCPServer(LOCALHOST, UpperHandler, options));
  const { server_address: address } = server;
  using client = new LineClient(await connect_tls(address));
  assertEquals(await client.ask("a"), "A");
  for (let count = 0; count < 2; count++) (await Deno.connect({ port: address.port })).close();
  await until(() => server.info().handshakes_failed === 2);
  const text = new PrometheusText(prometheus(server));
  const handshakes = (outcome: string) =>
    text.value("socketserver_tls_handshakes_total", { outcome });
  assertEquals([handshakes("completed"), handshakes("failed")], [1, 2]);
});

Deno.test("prometheus() tells of several, each by its class, with a number, or by a name", async () => {
  class EchoServer extends AsyncTCPServer {}
  await using one = new EchoServer(LOCALHOST, BaseRequestHandler);
  await using other = new EchoServer(LOCALHOST, BaseRequestHandler);
  await using executor = new AsyncExecutor(4);
  using queue = new Queue<number>(3);
  await executor.submit(() => 1);
  await queue.put(1);
  await queue.put(2);
  await queue.get();

  const text = new PrometheusText(prometheus([one, other, executor, queue]));
  for (const server of ["EchoServer", "EchoServer 2"]) {
    assertEquals(text.value("socketserver_active_requests", { server }), 0);
  }
  const tasks = { executor: "AsyncExecutor", outcome: "done" };
  assertEquals(text.value("socketserver_executor_tasks_total", tasks), 1);
  assertEquals(text.value("socketserver_queue_items", { queue: "Queue" }), 1);
  assertEquals(text.value("socketserver_queue_left_items_total", { outcome: "got" }), 1);
  assertEquals(text.value("socketserver_queue_room"), 3);

  const named = new PrometheusText(prometheus({ web: one, 'new\nmails "\\': queue }));
  assertEquals(named.value("socketserver_active_requests", { server: "web" }), 0);
  assertEquals(named.value("socketserver_queue_items", { queue: 'new\nmails "\\' }), 1);
  assertEquals(prometheus([]), "");
});

Deno.test("prometheus() takes a server with any address, and a queue with any room", () => {
  const addresses = [null, "list", { path: "/run/a\n.sock" }, Object.create(null), Symbol("x")];
  for (const address of addresses) {
    const text = new PrometheusText(prometheus(new BaseServer(address, BaseRequestHandler)));
    assertEquals(text.value("socketserver_active_requests"), 0);
    assert(!text.families.has("socketserver_received_bytes_total"));
  }
  using queue = new Queue<number>();
  assertEquals(new PrometheusText(prometheus(queue)).value("socketserver_queue_room"), Infinity);
});

Deno.test("prometheus() refuses what does not tell of itself", () => {
  for (const wrong of [[null], [{}], { a: 1 }, undefined, null, 5, "x"]) {
    assertThrows(() => prometheus(wrong as never), TypeError, "Cannot observe");
  }
});

Deno.test("the reader of the tests refuses what is wrong in a text", () => {
  const head = "# HELP a_total x\n# TYPE a_total counter\n";
  assertEquals(new PrometheusText(`${head}a_total{b="c\\"\\\\\\n"} 1\n`).value("a_total"), 1);
  const wrong = [
    "a_total 1\n",
    `${head}a_total 1`,
    `${head}a_total{b="c"} 1\na_total{b="c"} 2\n`,
    `${head}a_total -1\n`,
    `${head}a_total 1 \n`,
    `${head}a_total{b="c} 1\n`,
    `${head}a_total{b="\\x"} 1\n`,
    `${head}a_total{b="c",} 1\n`,
    `${head}a_total{1b="c"} 1\n`,
    `${head}b_total 1\n`,
    `${head}a_total x\n`,
    head,
    `${head}a_total 1\n${head}a_total 1\n`,
    "# HELP a x\n# TYPE a counter\na 1\n",
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
    '# HELP a x\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n',
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ];
  for (const text of wrong) assertThrows(() => new PrometheusText(text), FormatError);
});
