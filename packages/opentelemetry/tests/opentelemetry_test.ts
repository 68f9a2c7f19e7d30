/** What a real receiver gets of servers in each of the ways, over HTTP. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type Meter, metrics } from "@opentelemetry/api";
import { AsyncTCPServer, type ServerEvent, StreamRequestHandler } from "@socketserver/socketserver";
import { ask } from "../../../tests/fixtures/clients/clients.ts";
import { ask_from } from "../../../tests/fixtures/clients/from_address.ts";
import { Program } from "../../../tests/fixtures/programs/programs.ts";
import { opentelemetry, TracingMixIn } from "../mod.ts";
import { type Named, OtlpReceiver } from "./fixtures/otlp_receiver.ts";

const SERVER = fileURLToPath(new URL("fixtures/observed_server.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** A program with an environment of its own. */
class ExportingProgram extends Program {
  static #environment: string[];

  static start(environment: Record<string, string>, ...args: string[]): ExportingProgram {
    this.#environment = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return new ExportingProgram(...args);
  }

  protected override command_line(args: string[]): [file: string, ...args: string[]] {
    return ["env", ...ExportingProgram.#environment, Deno.execPath(), ...args];
  }
}

const INSTRUMENTS: [name: string, kind: string, unit: string][] = [
  ["socketserver.request.duration", "histogram", "s"],
  ["socketserver.active_requests", "sum", "{request}"],
  ["socketserver.queued_requests", "sum", "{request}"],
  ["socketserver.rejected_requests", "counter", "{request}"],
  ["socketserver.tls_handshake.duration", "histogram", "s"],
  ["socketserver.accept_errors", "counter", "{error}"],
];
const WORKERS: typeof INSTRUMENTS = [["socketserver.workers", "sum", "{worker}"]];

for (
  const [name, has_workers] of [
    ["TCPServer", false],
    ["AsyncTCPServer", false],
    ["ThreadingTCPServer", true],
    ["ForkingTCPServer", true],
  ] as const
) {
  Deno.test(`${name}: a receiver gets all instruments, and the spans of requests and handlers`, async () => {
    await using receiver = new OtlpReceiver();
    const words = ["run", "--no-lock", `--config=${CONFIG}`, "--allow-all", SERVER, name];
    await using program = ExportingProgram.start(receiver.environment, ...words);
    const port = Number(await program.line());
    const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port };
    assertEquals(await ask(address, "hello"), "hello");
    assertEquals(await ask(address, "fail"), null);
    await ask_from("127.0.0.2", address, "denied");
    const own = (span: { name: string }) => span.name === name;
    await receiver.until(({ spans, metrics }) =>
      spans.filter(own).length === 3 && spans.some((span) => span.name === "say hello") &&
      metrics.get("socketserver.rejected_requests")?.points.length === 1 &&
      metrics.get("socketserver.request.duration")?.points.length === 3
    );
    await program.child.stdin.close();
    await program.ends_well();

    const common: Named = {
      "network.transport": "tcp",
      "network.type": "ipv4",
      "server.address": "127.0.0.1",
      "server.port": port,
    };
    for (const [instrument, kind, unit] of [...INSTRUMENTS, ...(has_workers ? WORKERS : [])]) {
      const measured = receiver.metrics.get(instrument);
      assertEquals([instrument, measured?.kind, measured?.unit], [instrument, kind, unit]);
      for (const { attributes } of measured!.points) {
        assertEquals({ ...attributes, ...common }, attributes);
        assert(!("client.address" in attributes));
      }
    }
    const { points } = receiver.metrics.get("socketserver.request.duration")!;
    const outcomes = points.map((
      { value, attributes },
    ) => [attributes["socketserver.outcome"], value]);
    assertEquals(outcomes.sort(), [["completed", 1], ["failed", 1], ["refused", 1]]);
    assert(points.every(({ bounds, sum }) => bounds!.at(-1) === 10 && sum! >= 0 && sum! < 10));
    const [rejected] = receiver.metrics.get("socketserver.rejected_requests")!.points;
    assertEquals(rejected!.attributes["socketserver.reason"], "denied");
    const [failed_to_accept] = receiver.metrics.get("socketserver.accept_errors")!.points;
    assertEquals(failed_to_accept!.attributes["error.type"], "EMFILE");
    const [handshake] = receiver.metrics.get("socketserver.tls_handshake.duration")!.points;
    assertEquals(handshake!.attributes["tls.protocol.version"], "1.3");
    assertEquals(handshake!.sum, 0.02);

    const [completed, failed, refused] = ["completed", "failed", "refused"].map((outcome) =>
      receiver.spans.filter(own).find((span) =>
        span.attributes["socketserver.outcome"] === outcome
      )!
    );
    for (const span of [completed!, failed!, refused!]) {
      assertEquals({ ...span.attributes, ...common }, span.attributes);
      // OTLP's numbers of SERVER and ERROR.
      assertEquals([span.kind, span.status], [2, span === failed ? 2 : 0]);
      assertEquals(typeof span.attributes["client.port"], "number");
    }
    assertEquals(failed!.attributes["error.type"], "RangeError");
    assertEquals(completed!.attributes["socketserver.bytes_out"], 6);
    assertEquals(
      typeof completed!.attributes["socketserver.worker"],
      has_workers ? "number" : "undefined",
    );
    assertNotEquals(completed!.trace, failed!.trace);
    const inner = receiver.spans.find((span) => span.name === "say hello")!;
    assertEquals([inner.trace, inner.parent], [completed!.trace, completed!.id]);
    assert(!JSON.stringify(receiver.spans).includes("secret"));
  });
}

Deno.test("where nothing is exported, nothing is kept, and handlers have no trace", async () => {
  const traces: unknown[] = [];
  class Handler extends TracingMixIn(StreamRequestHandler) {
    override handle(): void {
      traces.push(this.traceparent);
    }
  }
  await using server = new AsyncTCPServer(["127.0.0.1", 0], Handler, { observer: opentelemetry() });
  const { hostname, port } = server.server_address;
  using _client = await Deno.connect({ hostname, port });
  await server.handle_request();
  assertEquals(traces, [undefined]);
});

Deno.test("a server may have any address, and an observer may begin late", () => {
  for (const address of [null, "list", { path: "/run/a.sock", transport: "unix" }, 1n]) {
    const observer = opentelemetry({ spans: true });
    const about = { time: 0, server: "Server" };
    const stop: ServerEvent = {
      ...{ ...about, type: "request.stop", id: 1, client: address, outcome: "completed" },
      ...{ duration: 1, wait: 0 },
    };
    observer(stop);
    observer({ ...about, type: "server.start", address });
    observer({ ...about, type: "request.start", id: 2, client: address });
    observer({ ...about, type: "server.stop", duration: 1, drained: 0, aborted: 0 });
  }
});

Deno.test("a handler has whatever trace an observer sets, and TracingMixIn passes over what is none", async () => {
  const traces: unknown[] = [];
  class Handler extends TracingMixIn(StreamRequestHandler) {
    override handle(): void {
      traces.push(this.traceparent);
    }
  }
  for (const traceparent of ["", "nonsense", `00-${"0".repeat(32)}-${"1".repeat(16)}-01`, "é"]) {
    const observer = (event: ServerEvent) => {
      if (event.type === "request.start") event.traceparent = traceparent;
    };
    await using server = new AsyncTCPServer(["127.0.0.1", 0], Handler, { observer });
    const { hostname, port } = server.server_address;
    using _client = await Deno.connect({ hostname, port });
    await server.handle_request();
    assertEquals(traces.pop(), traceparent);
  }
});

/** What a server's observer says is active and waits, where it heard these events. */
function gauges_after(events: Record<string, unknown>[]): Record<string, number> {
  const instrument = (name: string) => ({ name, add() {}, record() {} });
  let tell: (result: unknown) => void = () => {};
  const meter = {
    createHistogram: instrument,
    createCounter: instrument,
    createObservableUpDownCounter: instrument,
    addBatchObservableCallback: (callback: typeof tell) => void (tell = callback),
  };
  metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter });
  try {
    const observer = opentelemetry({ spans: false });
    for (const event of events) observer(event as ServerEvent);
  } finally {
    metrics.disable();
  }
  const gauges: Record<string, number> = {};
  const observe = ({ name }: { name: string }, value: number) => void (gauges[name] = value);
  tell({ observe });
  return gauges;
}

Deno.test("an observer that comes late hears the end of what it has not counted", () => {
  const request = (type: string, id: number) => ({ type: `request.${type}`, id });
  const gauges = gauges_after([
    { type: "server.start" },
    request("stop", 1),
    request("start", 2),
    request("run", 2),
    request("start", 3),
  ]);
  assertEquals(gauges, { "socketserver.active_requests": 1, "socketserver.queued_requests": 1 });
});
