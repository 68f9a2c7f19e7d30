import type { LoadResult } from "./load_result.ts";
import { output_of } from "./output_of.ts";

/** What a load generator is to do: see the top of load.c. */
export interface Load {
  mode: "echo" | "lines" | "compute" | "request" | "udp";
  connections: number;
  /** The size of a message, in bytes. */
  size?: number;
  /** How many messages a connection has under way. */
  pipeline?: number;
}

const { dirname: BENCH } = import.meta;

/** The program that loads the servers. */
export class LoadGenerator {
  /** What it is, for the report. */
  readonly name: string;
  #command: string[];

  private constructor(name: string, command: string[]) {
    this.name = name;
    this.#command = command;
  }

  /**
   * Builds load.c, or where that cannot be done takes load.ts, which needs more of the processor for
   * the same load.
   *
   * @param directory Where the program goes.
   * @throws {Error} If there is a compiler and it fails.
   */
  static async build(directory: string): Promise<LoadGenerator> {
    const program = `${directory}/load`;
    const built = Deno.build.os === "linux" &&
      await output_of("cc", ["-O2", "-o", program, `${BENCH}/load.c`]) !== undefined;
    if (built) return new LoadGenerator("load.c", [program]);
    const flags = ["--allow-net=127.0.0.1", "--unstable-net"];
    const command = [Deno.execPath(), "run", ...flags, `${BENCH}/load.ts`];
    return new LoadGenerator("load.ts", command);
  }

  /**
   * Loads a server.
   *
   * @param load What to do.
   * @param port Where the server listens.
   * @param seconds How long to measure.
   * @throws {Error} If no connection was made.
   */
  async run({ mode, ...numbers }: Load, port: number, seconds: number): Promise<LoadResult> {
    const flags = Object.entries({ ...numbers, seconds })
      .flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [program, ...args] = [...this.#command, mode, "127.0.0.1", String(port), ...flags];
    await using child = new Deno.Command(program!, { args, stdin: "null", stdout: "piped" })
      .spawn();
    const [output, { success }] = await Promise.all([
      new Response(child.stdout).text(),
      child.status,
    ]);
    if (!success) throw new Error(`The load generator failed in mode ${mode}: ${output}`);
    return JSON.parse(output);
  }
}
