import type { ExecutorInfo } from "../../concurrency/futures/executor.ts";
import type { QueueInfo } from "../../concurrency/queue/queue_event.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { Durations, ServerInfo } from "../../server/info.ts";
import { address_text } from "./address_text.ts";
import { Exposition, type Labels, type MetricType } from "./exposition.ts";
import { infos_of, type ObservedGroup } from "./observed.ts";

/** The samples of a metric: each number with what tells it apart. */
type Samples = [labels: Labels, value: number | undefined][];

/** A metric of what tells of itself. */
interface Metric<Info> {
  name: string;
  type: MetricType;
  help: string;
  samples(info: Info): Samples;
}

const STATES = ["idle", "serving", "stopping", "closed"] as const;
const OUTCOMES = ["completed", "failed", "refused", "timed_out"] as const;
const WORKER_STATES = ["starting", "ready", "ended"] as const;

const DURATION = {
  name: "socketserver_request_duration_seconds",
  help: "How long requests took, from when they were taken until they were over.",
};

const SERVER: Metric<ServerInfo>[] = [
  gauge(
    "socketserver_state",
    "1 for what the server is doing.",
    ({ state }) => STATES.map((each) => [{ state: each }, Number(each === state)]),
  ),
  gauge(
    "socketserver_suspended",
    "Whether the server is suspended.",
    ({ suspended }) => one(Number(suspended)),
  ),
  gauge(
    "socketserver_start_time_seconds",
    "When the server was made.",
    ({ since }) => one(since / 1000),
  ),
  gauge("socketserver_active_requests", "Requests being handled.", ({ active }) => one(active)),
  gauge(
    "socketserver_most_active_requests",
    "The most at one time.",
    ({ most_active }) => one(most_active),
  ),
  gauge(
    "socketserver_queued_requests",
    "Requests that have no handler yet.",
    ({ waiting }) => one(waiting),
  ),
  counter(
    "socketserver_accepted_requests_total",
    "Requests taken.",
    ({ accepted }) => one(accepted),
  ),
  counter(
    "socketserver_requests_total",
    "Requests that are over, by outcome.",
    (info) => OUTCOMES.map((outcome) => [{ outcome }, info[outcome]]),
  ),
  counter(
    "socketserver_rejected_requests_total",
    "Requests refused, by reason.",
    (info) => Object.entries(info.refused_by).map(([reason, count]) => [{ reason }, count]),
  ),
  counter(
    "socketserver_received_bytes_total",
    "Bytes from clients.",
    ({ bytes_in }) => one(bytes_in),
  ),
  counter("socketserver_sent_bytes_total", "Bytes to clients.", ({ bytes_out }) => one(bytes_out)),
  counter(
    "socketserver_proxy_rejected_total",
    "Connections without a good PROXY header.",
    (info) => one(info.proxy_rejected),
  ),
  counter("socketserver_tls_handshakes_total", "TLS handshakes, by outcome.", (info) => [
    [{ outcome: "completed" }, info.handshakes],
    [{ outcome: "failed" }, info.handshakes_failed],
  ]),
  ...workers<ServerInfo>("socketserver"),
];

const EXECUTOR: Metric<ExecutorInfo>[] = [
  gauge("socketserver_executor_running_tasks", "Tasks that run.", ({ running }) => one(running)),
  gauge("socketserver_executor_waiting_tasks", "Tasks not begun.", ({ waiting }) => one(waiting)),
  counter(
    "socketserver_executor_tasks_total",
    "Tasks that are over, by outcome.",
    (info) =>
      (["done", "failed", "cancelled"] as const).map((outcome) => [{ outcome }, info[outcome]]),
  ),
  ...workers<ExecutorInfo>("socketserver_executor"),
];

const QUEUE: Metric<QueueInfo>[] = [
  gauge("socketserver_queue_items", "Items in the queue.", ({ size }) => one(size)),
  gauge("socketserver_queue_room", "How many it has room for.", ({ maxsize }) => one(maxsize)),
  gauge("socketserver_queue_taken_items", "Items taken and not done.", ({ taken }) => one(taken)),
  gauge("socketserver_queue_getters", "Who waits for an item.", ({ getters }) => one(getters)),
  gauge("socketserver_queue_putters", "Who waits for room.", ({ putters }) => one(putters)),
  counter("socketserver_queue_put_items_total", "Items put.", ({ put }) => one(put)),
  counter(
    "socketserver_queue_left_items_total",
    "Items that have left it, by outcome.",
    (info) => (["got", "done", "dropped"] as const).map((outcome) => [{ outcome }, info[outcome]]),
  ),
];

/**
 * What servers, executors and queues have done and are doing, as Prometheus reads it: its text format, version 0.0.4,
 * whose media type is `text/plain; version=0.0.4`. Nothing is counted for it: it may be asked for at any time, by
 * several who ask.
 *
 * @param observed One of them, several, or several under names of your own, such as `{ web: server, mails: queue }`.
 * Without these they have the names of their classes.
 * @throws {TypeError} If one of them is no server, executor or queue.
 * @throws {Deno.errors.NotSupported} If a queue was made in another thread or process.
 *
 * @example
 * ```ts
 * import { AsyncTCPServer, BaseRequestHandler } from "@socketserver/socketserver";
 * import { prometheus } from "@socketserver/socketserver/monitor";
 *
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], BaseRequestHandler);
 * await using metrics = Deno.serve({ hostname: "127.0.0.1", port: 0 }, () =>
 *   new Response(prometheus(server), { headers: { "content-type": "text/plain; version=0.0.4" } }));
 * const { hostname, port } = metrics.addr;
 * console.log(await (await fetch(`http://${hostname}:${port}/metrics`)).text());
 * // # HELP socketserver_state 1 for what the server is doing. ...
 * ```
 */
export function prometheus(observed: ObservedGroup): string {
  const text = new Exposition();
  for (const { kind, name, info } of infos_of(observed)) {
    if (kind === "executor") add(text, EXECUTOR, { executor: name }, info);
    else if (kind === "queue") add(text, QUEUE, { queue: name }, info);
    else {
      const labels = { server: name, address: address_text(info.address) };
      add(text, SERVER, labels, info);
      for (const outcome of OUTCOMES) {
        add_durations(text, { ...labels, outcome }, info.durations[outcome]);
      }
    }
  }
  return `${text}`;
}

function add<Info>(text: Exposition, metrics: Metric<Info>[], own: Labels, info: Info): void {
  for (const { name, type, help, samples } of metrics) {
    for (const [labels, value] of samples(info)) {
      if (value !== undefined) text.add(name, type, help, { ...own, ...labels }, value);
    }
  }
}

function add_durations(text: Exposition, labels: Labels, { bounds, counts, sum }: Durations): void {
  const add = (suffix: string, own: Labels, value: number) =>
    text.add(DURATION.name, "histogram", DURATION.help, { ...labels, ...own }, value, suffix);
  let count = 0;
  for (const [at, more] of counts.entries()) {
    count += more;
    const bound = bounds[at];
    add("_bucket", { le: bound === undefined ? "+Inf" : `${bound / 1000}` }, count);
  }
  add("_sum", {}, sum / 1000);
  add("_count", {}, count);
}

/** The metrics of workers; none of what has no workers. */
function workers<Info extends { workers?: WorkerInfo[] }>(prefix: string): Metric<Info>[] {
  return [
    gauge(
      `${prefix}_workers`,
      "Workers, by state.",
      ({ workers }) =>
        workers
          ? WORKER_STATES.map((state) => [
            { state },
            workers.filter((worker) => worker.state === state).length,
          ])
          : [],
    ),
    gauge(
      `${prefix}_workers_memory_bytes`,
      "The memory of all workers.",
      ({ workers }) => one(workers?.reduce((sum, { memory = 0 }) => sum + memory, 0)),
    ),
    gauge(
      `${prefix}_workers_restarts`,
      "Ended workers in whose place those of now are.",
      (info) => one(info.workers?.reduce((sum, { restarts }) => sum + restarts, 0)),
    ),
  ];
}

function gauge<Info>(name: string, help: string, samples: (info: Info) => Samples): Metric<Info> {
  return { name, type: "gauge", help, samples };
}

function counter<Info>(name: string, help: string, samples: (info: Info) => Samples): Metric<Info> {
  return { name, type: "counter", help, samples };
}

function one(value: number | undefined): Samples {
  return [[{}, value]];
}
