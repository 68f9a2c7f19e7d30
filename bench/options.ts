import { parseArgs } from "@std/cli/parse-args";

/** What the benchmark was told. */
export interface Options {
  /** How long a server is loaded in each round. */
  seconds: number;
  rounds: number;
  /** A part of the names of the workloads to run. */
  only: string;
  /** Whether to print JSON. */
  json: boolean;
}

/** The command line makes no sense. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} If it makes no sense.
 */
export function parse_options(args: string[]): Options {
  const { seconds, rounds, only, json } = parseArgs(args, {
    string: ["seconds", "rounds", "only"],
    boolean: ["json"],
    default: { seconds: "2", rounds: "3", only: "" },
    unknown: (arg) => {
      throw new UsageError(`Cannot take ${arg}`);
    },
  });
  if (!(Number(seconds) > 0)) throw new UsageError(`Cannot measure for ${seconds} seconds`);
  if (!/^[1-9]\d*$/.test(rounds)) throw new UsageError(`Cannot run ${rounds} rounds`);
  return { seconds: Number(seconds), rounds: Number(rounds), only, json };
}
