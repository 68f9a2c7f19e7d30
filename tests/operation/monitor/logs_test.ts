import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { AsyncTCPServer, type ServerEvent } from "../../../mod.ts";
import { AsyncExecutor, type PoolEvent } from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { json_log, type ObservedEvent, text_log } from "../../../operation/monitor/mod.ts";
import { ask } from "../../fixtures/clients/clients.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";

const TIME = Date.UTC(2025, 10, 28);
const CLIENT = { transport: "tcp", hostname: "127.0.0.1", port: 5000 } as const;
const OWN = { time: TIME, server: "EchoServer" };
const [duration, wait] = [12.34, 0.5];

/** Each event with what the text log says of it. */
const SAID: [ServerEvent, string | undefined][] = [
  [{ ...OWN, type: "server.start", address: CLIENT }, "listens at 127.0.0.1:5000"],
  [
    { ...OWN, type: "server.stop", duration: 5000.4, drained: 2, aborted: 1 },
    "closed after 5000 ms: 2 requests drained, 1 cut",
  ],
  [{ ...OWN, type: "server.suspend" }, "suspended"],
  [{ ...OWN, type: "server.resume" }, "resumed"],
  [
    { ...OWN, type: "accept.error", class: "pause", code: "EMFILE", error_type: "Error", count: 3 },
    "could not accept: EMFILE, pause (3 so far)",
  ],
  [{ ...OWN, type: "request.start", id: 7, client: CLIENT }, undefined],
  [{ ...OWN, type: "request.run", id: 7, wait }, undefined],
  [
    {
      ...{ ...OWN, type: "request.stop", id: 7, client: CLIENT, outcome: "completed" },
      ...{ duration, wait, worker: 2, bytes_in: 6, bytes_out: 8 },
    },
    "request 7 of 127.0.0.1:5000 completed in 12.3 ms: waited 0.5 ms, 6 bytes in, 8 bytes out, worker 2",
  ],
  [
    {
      ...{ ...OWN, type: "request.stop", id: 8, client: CLIENT, outcome: "refused" },
      ...{ reason: "overflow", duration, wait },
    },
    "request 8 of 127.0.0.1:5000 refused (overflow) in 12.3 ms: waited 0.5 ms",
  ],
  [
    {
      ...{ ...OWN, type: "request.stop", id: 9, client: "a\nb\x1b[2J", outcome: "failed" },
      ...{ error_type: "Type\nError", duration, wait },
    },
    "request 9 of a\\nb\\x1B[2J failed (Type\\nError) in 12.3 ms: waited 0.5 ms",
  ],
  [{ ...OWN, type: "handshake.start", id: 7 }, undefined],
  [
    {
      ...OWN,
      type: "handshake.stop",
      id: 7,
      duration,
      protocol: "TLSv1.3",
      alpn: "h2",
      resumed: true,
    },
    "handshake of request 7 done in 12.3 ms: TLSv1.3, h2, resumed",
  ],
  [
    { ...OWN, type: "handshake.stop", id: 7, duration, error_type: "TlsError" },
    "handshake of request 7 failed (TlsError) in 12.3 ms",
  ],
  [
    { ...OWN, type: "proxy.rejected", peer: CLIENT, error_type: "InvalidData" },
    "closed a connection of 127.0.0.1:5000: its PROXY header gave InvalidData",
  ],
  [
    { ...OWN, type: "tls.reload", ok: true, not_after: TIME },
    "has new certificates, until 2025-11-28T00:00:00.000Z",
  ],
  [
    { ...OWN, type: "tls.reload", ok: false, not_after: TIME, error_type: "RangeError" },
    "keeps its certificates: the new ones gave RangeError",
  ],
  [{ ...OWN, type: "worker.start", worker: 3, pid: 99 }, "worker 3 (process 99) started"],
  [
    {
      ...{ ...OWN, type: "worker.stop", worker: 3, reason: "died", lost: 2, duration },
      ...{ exitcode: null, signal: null, error_type: "RangeError" },
    },
    "worker 3 ended after 12.3 ms: died, RangeError, 2 lost",
  ],
];

Deno.test("text_log() has a line for each event that ends or stands alone, whatever is in it", () => {
  for (const [event, said] of SAID) {
    const lines: string[] = [];
    text_log({ write: (line) => lines.push(line) })(event);
    const expected = said === undefined ? [] : [`2025-11-28T00:00:00.000Z EchoServer ${said}`];
    assertEquals(lines, expected);
  }
});

Deno.test("json_log() has a line for each event, which is the event", () => {
  for (const [event] of SAID) {
    const lines: string[] = [];
    json_log({ write: (line) => lines.push(line) })(event);
    assertEquals(lines.length, 1);
    assert(!/\p{Cc}/u.test(lines[0]!));
    assertEquals(JSON.parse(lines[0]!), event);
  }
});

Deno.test("logs take whatever a program has for an address", () => {
  const circle: Record<string, unknown> = { port: 1n };
  circle.circle = circle;
  const hostile = new Proxy({}, {
    get: () => {
      throw new Error("read");
    },
  });
  for (const client of [circle, 1n, hostile, Symbol("x"), undefined, () => {}]) {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const event: ServerEvent = { ...OWN, type: "request.start", id: 1, client };
    json_log({ write })(event);
    assertEquals(JSON.parse(lines[0]!).id, 1);
    text_log({ write })({ ...event, type: "request.stop", outcome: "completed", duration, wait });
    assertStringIncludes(lines[1]!, "request 1 of ");
  }
});

Deno.test("logs tell of executors and queues, and not what an error says", async () => {
  const events: ObservedEvent[] = [];
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const [json, text] = [json_log({ write }), text_log({ write })];
  const observer = (event: ObservedEvent) => {
    events.push(event);
    text(event);
  };
  {
    await using executor = new AsyncExecutor(1, { observer });
    await executor.submit(() => 1);
    using queue = new Queue<number>(0, { observer });
    await queue.put(1);
    await queue.get();
  }
  assertEquals(events.map(({ type }) => type), [
    "task.start",
    "task.stop",
    "item.start",
    "item.stop",
  ]);
  assertMatch(lines[0]!, /^\S+Z task 1 done in \d+\.\d ms: waited \d+\.\d ms$/);
  assertMatch(lines[1]!, /^\S+Z item 1 got after \d+\.\d ms: taken 0 times$/);
  const end: PoolEvent = {
    ...{ time: TIME, type: "worker.stop", worker: 1, reason: "died", lost: 0, duration },
    ...{ exitcode: null, signal: null, cause: new Error("secret"), error_type: "Error" },
  };
  json(end);
  text(end);
  assertEquals(lines.filter((line) => line.includes("secret")), []);
  assertEquals(JSON.parse(lines.at(-2)!).error_type, "Error");
});

Deno.test("a request has one line in the text log, and three in the JSON log", async () => {
  for (const [log, count] of [[text_log, 1], [json_log, 3]] as const) {
    const lines: string[] = [];
    const observer = log({ write: (line) => lines.push(line) });
    {
      await using server = serving(
        new AsyncTCPServer(["127.0.0.1", 0], UpperHandler, { observer }),
      );
      await ask(server.server_address, "a");
    }
    assertEquals(lines.filter((line) => / request 1 |"request\./.test(line)).length, count);
    assertEquals(lines.length, count + 2);
  }
});

Deno.test("logs refuse what they cannot write with", () => {
  for (const log of [text_log, json_log]) {
    assertThrows(() => log({ write: 1 as never }), TypeError, "write");
    assertThrows(() => log({ file: "a" } as never), TypeError, "file");
  }
});
