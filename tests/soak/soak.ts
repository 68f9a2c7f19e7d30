/**
 * The long fire: servers of all kinds, in all ways, under clients that behave in any way, while workers are killed, limits change,
 * and the machine lacks this and that.
 *
 * ```sh
 * deno task soak --minutes 10
 * deno task soak --minutes 2 --seed 7 --only threads
 * ```
 *
 * It prints its seed first. All that is decided by chance follows from that; what the machine does meanwhile does not. It ends
 * with exit code 1 when something does not hold.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { Fire } from "./fire.ts";
import { TROUPES } from "./members.ts";
import { Violation } from "./violation.ts";

/** The command line makes no sense. */
class UsageError extends Error {}

function options_of(args: string[]): { minutes: number; seed: number; only: string } {
  const { minutes, seed, only } = parseArgs(args, {
    string: ["minutes", "seed", "only"],
    default: { minutes: "2", seed: `${crypto.getRandomValues(new Uint32Array(1))}`, only: "" },
    unknown: (arg) => {
      throw new UsageError(`Cannot take ${arg}`);
    },
  });
  if (!(Number(minutes) > 0)) throw new UsageError(`Cannot burn for ${minutes} minutes`);
  if (!/^\d+$/.test(seed)) throw new UsageError(`Cannot use ${seed} as a seed`);
  const names: string[] = TROUPES.map(({ name }) => name);
  if (only !== "" && !names.includes(only)) {
    throw new UsageError(`Cannot burn only ${only}: there are ${names.join(", ")}`);
  }
  return { minutes: Number(minutes), seed: Number(seed), only };
}

/** Gives the exit code. */
async function soak({ minutes, seed, only }: ReturnType<typeof options_of>): Promise<number> {
  console.log(`seed ${seed}`);
  const start = performance.now();
  const settings = { duration: minutes * 60_000, seed, only, log: console.log };
  try {
    await using fire = await Fire.start(settings);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => void put_out(fire));
    }
    await fire.run();
    for (const line of fire.summary()) console.log(line);
    console.log(`All held, with seed ${seed}`);
    return 0;
  } catch (error) {
    const seconds = Math.round((performance.now() - start) / 1000);
    const what = error instanceof Violation ? "Violated" : "Failed";
    console.error(`${what} after ${seconds} s, with seed ${seed}:`, error);
    return 1;
  }
}

/** Ends it before its time, with all that it has started. */
async function put_out(fire: Fire): Promise<void> {
  await fire[Symbol.asyncDispose]();
  Deno.exit(130);
}

if (import.meta.main) {
  try {
    Deno.exit(await soak(options_of(Deno.args)));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
