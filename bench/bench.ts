/**
 * Compares the servers of this library with bare loops and with other servers: see README.md.
 *
 * ```sh
 * deno task bench --rounds 3 --seconds 2
 * deno task bench --only echo --json
 * ```
 *
 * @module
 */
import { Benchmark } from "./benchmark.ts";
import { LoadGenerator } from "./load_generator.ts";
import { Machine } from "./machine.ts";
import { type Options, parse_options, UsageError } from "./options.ts";
import { format_report, type Report } from "./report.ts";
import { find_runtimes } from "./runtimes.ts";
import { type Workload, WORKLOADS } from "./workloads.ts";

async function main(args: string[]): Promise<void> {
  const options = parse_options(args);
  const workloads = select(options.only);
  const report = await run(workloads, options);
  console.log(options.json ? JSON.stringify(report, null, 2) : format_report(report));
}

function select(name: string): Workload[] {
  const workloads = WORKLOADS.filter((workload) => workload.name.includes(name));
  if (workloads.length > 0) return workloads;
  const names = WORKLOADS.map((workload) => `  ${workload.name}`).join("\n");
  throw new UsageError(`Cannot find a workload named ${name} among\n${names}`);
}

async function run(selected: Workload[], { rounds, seconds }: Options): Promise<Report> {
  await using resources = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "bench-" });
  resources.defer(() => Deno.remove(directory, { recursive: true }));
  const generator = await LoadGenerator.build(directory);
  const runtimes = await find_runtimes(directory);
  const machine = await Machine.examine(generator);
  const workloads = selected.filter(({ load }) => !load || !machine.obstacle(load));
  const signal = interrupted();
  const benchmark = new Benchmark(workloads, { rounds, seconds, generator, runtimes, signal });
  return {
    runtimes: [...runtimes.values()].map(({ version }) => version),
    cores: navigator.hardwareConcurrency,
    generator: generator.name,
    rounds,
    seconds,
    skipped: [
      ...benchmark.skipped.map(({ name, runtime }) => `${name} (no ${runtime} here)`),
      ...left_out(selected, machine),
    ],
    rows: (await benchmark.run()).rows,
  };
}

/** The workloads that cannot be run, with the reason. */
function left_out(workloads: Workload[], machine: Machine): string[] {
  return workloads.flatMap(({ name, load }) => {
    const obstacle = load && machine.obstacle(load);
    return obstacle ? `${name} (${obstacle})` : [];
  });
}

/** Aborts at Ctrl-C and SIGTERM, so that what was started is ended; a second one ends this at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const stop = () => {
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
    controller.abort();
  };
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return controller.signal;
}

try {
  await main(Deno.args);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  console.error("Usage: bench.ts [--seconds 2] [--rounds 3] [--only NAME] [--json]");
  Deno.exitCode = 2;
}
