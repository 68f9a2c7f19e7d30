import type { Load, LoadGenerator } from "./load_generator.ts";
import { output_of } from "./output_of.ts";

/** How many descriptors a process needs besides those of its connections. */
const OTHER_DESCRIPTORS = 100;

/** What this machine lets a workload do. */
export class Machine {
  #generator: LoadGenerator;
  #descriptors: number;
  #has_ps: boolean;

  private constructor(generator: LoadGenerator, descriptors: number, has_ps: boolean) {
    this.#generator = generator;
    this.#descriptors = descriptors;
    this.#has_ps = has_ps;
  }

  /** Looks at this machine. */
  static async examine(generator: LoadGenerator): Promise<Machine> {
    const limit = await output_of("sh", ["-c", "ulimit -H -n"]);
    const has_ps = await output_of("ps", []) !== undefined;
    // "unlimited" is not a number, and Windows, without a shell, has no such limit.
    return new Machine(generator, Number.parseInt(limit ?? "") || Infinity, has_ps);
  }

  /** Why a load cannot be run here; `undefined` if it can. */
  obstacle(load: Load): string | undefined {
    const { mode, connections = 0, requests = 0, tls } = load;
    const descriptors = connections + requests + OTHER_DESCRIPTORS;
    if (!this.#generator.can(load)) {
      return `${this.#generator.name} cannot load so${tls ? " without OpenSSL" : ""}`;
    }
    if (descriptors > this.#descriptors) return `ulimit -H -n is ${this.#descriptors} here`;
    if (mode === "idle" && !this.#has_ps) return "no ps here";
  }
}
