import { first_line } from "./first_line.ts";
import type { LoadResult } from "./load_result.ts";
import { output_of } from "./output_of.ts";

/** What clients do: see the top of load.c. */
export type Mode =
  | "echo"
  | "lines"
  | "compute"
  | "request"
  | "mixed"
  | "burst"
  | "idle"
  | "fanout"
  | "drain"
  | "fill"
  | "udp";

/** What a load generator is to do. What is left out is as the mode has it. */
export interface Load {
  mode: Mode;
  connections?: number;
  /** The size of a message, in bytes. */
  size?: number;
  /** How many messages a connection has under way. */
  pipeline?: number;
  /** How many clients are in a burst. */
  requests?: number;
  /** Whether it speaks TLS, with a full handshake for each connection. */
  tls?: true;
  /** When to give up, in modes that do not measure for a time. */
  seconds?: number;
}

/** A server that is loaded. */
export interface Loaded {
  port: number;
  pid: number;
}

/** Connections that are held until this is disposed of. */
export interface HeldLoad extends AsyncDisposable {
  errors: number;
}

const { dirname: BENCH } = import.meta;
/** What load.ts can do. */
const FALLBACK_MODES: Mode[] = ["echo", "lines", "compute", "request", "udp"];

/** The program that loads the servers. */
export class LoadGenerator {
  /** What it is, for the report. */
  readonly name: string;
  #command: string[];
  #speaks_tls: boolean;

  private constructor(name: "load.c" | "load.ts", command: string[], speaks_tls = false) {
    this.name = name;
    this.#speaks_tls = speaks_tls;
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
    const compile = async (before: string[], after: string[]) =>
      Deno.build.os === "linux" &&
      await output_of("cc", ["-O2", ...before, "-o", program, `${BENCH}/load.c`, ...after]) !==
        undefined;
    for (const speaks_tls of [true, false]) {
      const built =
        await (speaks_tls ? compile(["-DWITH_TLS"], ["-lssl", "-lcrypto"]) : compile([], []));
      if (built) return new LoadGenerator("load.c", [program], speaks_tls);
    }
    const flags = ["--allow-net=127.0.0.1", "--unstable-net"];
    const command = [Deno.execPath(), "run", ...flags, `${BENCH}/load.ts`];
    return new LoadGenerator("load.ts", command);
  }

  /** Whether it tells the processor time of a server. */
  get #can_tell(): boolean {
    return this.name === "load.c";
  }

  /** Whether it can make a load. */
  can({ mode, tls }: Load): boolean {
    if (tls) return this.#speaks_tls;
    return this.name === "load.c" || FALLBACK_MODES.includes(mode);
  }

  /**
   * Loads a server.
   *
   * @param load What to do.
   * @param server Where it listens, and its process.
   * @param seconds How long to measure.
   * @throws {Error} If no connection was made.
   */
  async run(load: Load, { port, pid }: Loaded, seconds: number): Promise<LoadResult> {
    await using child = this.#spawn(
      { seconds, ...load, ...(this.#can_tell && { pid }) },
      port,
      "null",
    );
    const [output, { success }] = await Promise.all([
      new Response(child.stdout).text(),
      child.status,
    ]);
    if (!success) throw new Error(`The load generator failed in mode ${load.mode}: ${output}`);
    return JSON.parse(output);
  }

  /**
   * Opens connections; resolves when each has had a reply, or will have none.
   *
   * @param load What to do, in mode `idle`.
   * @param port Where the server listens.
   * @throws {Error} If the program failed.
   */
  async hold(load: Load, port: number): Promise<HeldLoad> {
    const child = this.#spawn(load, port, "piped");
    const release = async () => {
      await child.stdin.close();
      await child.status;
    };
    const { errors }: LoadResult = JSON.parse(await first_line(child.stdout));
    return { errors, [Symbol.asyncDispose]: release };
  }

  #spawn(
    { mode, ...numbers }: Load & Partial<Loaded>,
    port: number,
    stdin: "null" | "piped",
  ): Deno.ChildProcess {
    const flags = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [program, ...args] = [...this.#command, mode, "127.0.0.1", String(port), ...flags];
    return new Deno.Command(program!, { args, stdin, stdout: "piped" }).spawn();
  }
}
