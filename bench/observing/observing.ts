/**
 * What it costs to observe a server: requests a second, and the processor time of the server for each, beside the same
 * server without an observer.
 *
 * ```sh
 * deno task bench:observing
 * deno task bench:observing --rounds 9 --base ../an_older_clone
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { LoadGenerator } from "../load_generator.ts";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { ServerProcess } from "../server_process.ts";

/** A connection for each request: there are no more events than then. */
const LOAD = { mode: "request", connections: 32, size: 64 } as const;

const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../packages/opentelemetry/deno.json", import.meta.url));
const FLAGS = ["run", "--allow-net=127.0.0.1", "--allow-read"];
const OBSERVERS = ["none", "empty", "text_log", "json_log", "metrics", "spans"];

/** Requests a second, and the processor time of the server for each, in us. */
type Figures = [rate: number, cost: number];

const { rounds, seconds, base } = parseArgs(Deno.args, {
  string: ["rounds", "seconds", "base"],
  default: { rounds: "5", seconds: "2" },
});

/** The command that starts a server. What it logs goes to a file. */
function command_of(server: string, observer: string, log: string, endpoint: string): string[] {
  const logged = ["sh", "-c", 'exec "$@" 2> "$0"', log];
  if (observer === "before") {
    return [
      ...logged,
      Deno.execPath(),
      ...FLAGS,
      `${base}/bench/servers/ours.ts`,
      server,
      "lines",
      "0",
    ];
  }
  const exports = ["env", "OTEL_DENO=true", `OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`];
  const is_exported = observer === "metrics" || observer === "spans";
  const command = [Deno.execPath(), ...FLAGS, `--config=${CONFIG}`, SERVER, server, observer];
  return [...(is_exported ? exports : []), ...logged, ...command];
}

async function measure(generator: LoadGenerator, command: string[]): Promise<Figures> {
  await using server = await ServerProcess.start(command, "tcp");
  const { per_second = 0, cpu_us = NaN } = await generator.run(LOAD, server, Number(seconds));
  return [per_second, cpu_us];
}

const folder = await Deno.makeTempDir({ prefix: "bench-" });
const receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  await request.arrayBuffer();
  return new Response();
});
const endpoint = `http://127.0.0.1:${receiver.addr.port}`;
const generator = await LoadGenerator.build(folder);
const rows: string[][] = [];
for (const server of ["AsyncTCPServer", "ThreadingTCPServer"]) {
  const observers = base === undefined ? OBSERVERS : ["before", ...OBSERVERS];
  const figures = new Map<string, Figures[]>(observers.map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const observer of observers) {
      const command = command_of(server, observer, `${folder}/log`, endpoint);
      figures.get(observer)!.push(await measure(generator, command));
    }
  }
  const none = figures.get("none")!;
  const ratio = (observer: string, at: 0 | 1) =>
    median(figures.get(observer)!.map((figure, round) => figure[at] / none[round]![at])).toFixed(2);
  for (const observer of observers) {
    const [rate, cost] = ([0, 1] as const).map((at) =>
      median(figures.get(observer)!.map((figure) => figure[at]))
    );
    rows.push([
      server,
      observer,
      Math.round(rate!).toLocaleString("en"),
      ratio(observer, 0),
      cost!.toFixed(0),
      ratio(observer, 1),
    ]);
  }
}
await receiver.shutdown();
await Deno.remove(folder, { recursive: true });
const numeric = ["requests/s", "to none", "us each", "to none"];
console.log(markdown_table(
  [
    { heading: "server", numeric: false },
    { heading: "observer", numeric: false },
    ...numeric.map((heading) => ({ heading, numeric: true })),
  ],
  rows,
));
