/**
 * How many calls a second pools make, beside Python's own on the same machine: small ones, and such that compute.
 *
 * ```sh
 * deno task bench:pools
 * deno task bench:pools --rounds 5
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { type BasePool, Pool, ThreadPool } from "../../concurrency/multiprocessing/mod.ts";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { output_of } from "../output_of.ts";

export function double(n: number): number {
  return 2 * n;
}

export function count_primes(below: number): number {
  let count = 0;
  for (let n = 2; n < below; n++) {
    let factor = 2;
    while (factor * factor <= n && n % factor !== 0) factor++;
    if (factor * factor > n) count++;
  }
  return count;
}

/** How many calls each way makes. */
const COUNTS = { each: 2000, at_once: 20_000, mapped: 20_000, imapped: 20_000, computed: 200 };

type Way = keyof typeof COUNTS;

/** Below what primes are counted. */
const BELOW = 50_000;

const WAYS: Record<Way, (pool: BasePool, count: number) => Promise<unknown>> = {
  async each(pool, count) {
    for (let n = 0; n < count; n++) await pool.apply(double, [n]);
  },
  at_once(pool, count) {
    const results = Array.from({ length: count }, (_, n) => pool.apply_async(double, [n]));
    return Promise.all(results.map((result) => result.get()));
  },
  mapped: (pool, count) => pool.map(double, Array(count).keys()),
  async imapped(pool, count) {
    for await (const _ of pool.imap(double, Array(count).keys(), 100));
  },
  computed: (pool, count) => pool.map(count_primes, Array<number>(count).fill(BELOW), 1),
};

const NAMES: Record<Way, string> = {
  each: "apply(), one at a time",
  at_once: "apply_async(), 20,000 at once",
  mapped: "map() of 20,000",
  imapped: "imap() of 20,000, in chunks of 100",
  computed: "map() of what computes",
};

/** Calls a second, in each way. */
async function measure(pool: BasePool, note: (way: Way, figure: number) => void): Promise<void> {
  await pool.map(double, Array(100).keys(), 1);
  for (const way of Object.keys(WAYS) as Way[]) {
    const start = performance.now();
    await WAYS[way](pool, COUNTS[way]);
    note(way, COUNTS[way] / (performance.now() - start) * 1000);
  }
}

if (import.meta.main) {
  const { rounds } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "3" } });
  const script = fileURLToPath(new URL("pools_cpython.py", import.meta.url));
  const figures = new Map<string, number[]>();
  const note = (name: string, figure: number) => {
    figures.set(name, [...figures.get(name) ?? [], figure]);
  };
  for (let round = 0; round < Number(rounds); round++) {
    for (const PoolClass of [Pool, ThreadPool]) {
      for (const workers of [1, 2]) {
        await using pool = new PoolClass(workers);
        await measure(pool, (way, figure) => note(`${PoolClass.name} ${workers} ${way}`, figure));
      }
    }
    const counts = JSON.stringify({ ...COUNTS, computed: 8 });
    const python = JSON.parse(await output_of("python3", [script, counts]) ?? "{}");
    for (const [name, figure] of Object.entries<number>(python)) note(`python ${name}`, figure);
  }
  const shown = (name: string) => {
    const values = figures.get(name);
    return values ? Number(median(values).toPrecision(3)).toLocaleString("en") : "";
  };
  const columns = ["pool", "workers", "what", "a second", "CPython"].map((heading) => ({
    heading,
    numeric: !["pool", "what"].includes(heading),
  }));
  const rows = [...figures.keys()].filter((name) => !name.startsWith("python ")).map((name) => {
    const [pool, workers, way] = name.split(" ") as [string, string, Way];
    return [pool, workers, NAMES[way], shown(name), shown(`python ${name}`)];
  });
  console.log(markdown_table(columns, rows));
}
