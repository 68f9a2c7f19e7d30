import type { LoadGenerator } from "./load_generator.ts";
import { measure_memory } from "./memory.ts";
import { command_of, type Peer } from "./peers.ts";
import { Results, type Sample } from "./results.ts";
import type { Runtime, RuntimeName } from "./runtimes.ts";
import { ServerProcess } from "./server_process.ts";
import type { Workload } from "./workloads.ts";

/** How to run a benchmark, and what with. */
export interface BenchmarkOptions {
  rounds: number;
  /** How long a server is loaded in each turn. */
  seconds: number;
  generator: LoadGenerator;
  runtimes: Map<RuntimeName, Runtime>;
  /** Ends the run after the turn under way. */
  signal: AbortSignal;
}

/** Measures servers at workloads, one server at a time. */
export class Benchmark {
  #workloads: Workload[];
  #options: BenchmarkOptions;

  constructor(workloads: Workload[], options: BenchmarkOptions) {
    this.#workloads = workloads;
    this.#options = options;
  }

  /** The servers whose runtime is missing. */
  get skipped(): Peer[] {
    const peers = new Set(this.#workloads.flatMap(({ peers }) => peers));
    return [...peers].filter(({ runtime }) => !this.#options.runtimes.has(runtime));
  }

  /**
   * Runs all rounds. Within a turn the servers follow each other closely, so that a machine that gets
   * slower or faster meanwhile does so for all of them.
   *
   * @throws What the signal's reason is, if it aborts.
   */
  async run(): Promise<Results> {
    const { rounds } = this.#options;
    const results = new Results();
    for (let round = 1; round <= rounds; round++) {
      for (const workload of this.#workloads) {
        console.error(`round ${round} of ${rounds}: ${workload.name}`);
        for (let turn = 0; turn < workload.turns; turn++) await this.#take_turn(workload, results);
      }
    }
    return results;
  }

  async #take_turn(workload: Workload, results: Results): Promise<void> {
    for (const peer of workload.peers) {
      this.#options.signal.throwIfAborted();
      const runtime = this.#options.runtimes.get(peer.runtime);
      if (!runtime) continue;
      const command = command_of(peer, runtime, workload.handler);
      results.add(workload, peer, await this.#measure(command, workload));
    }
  }

  async #measure(command: string[], { load }: Workload): Promise<Sample> {
    const { generator, seconds } = this.#options;
    const transport = load?.tls ? "tls" : load?.mode === "udp" ? "udp" : "tcp";
    await using server = await ServerProcess.start(command, transport);
    const { start_ms } = server;
    if (!load) return { start_ms, errors: 0 };
    if (load.mode === "idle") return await measure_memory(generator, load, server);
    return await generator.run(load, server, seconds);
  }
}
