/**
 * The pools of this library: `ours.ts KIND SMALL SINGLE COMPUTING` has so many small tasks done at once, so many one
 * at a time, and so many that compute, and prints a line of JSON.
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";
import { compute, echo } from "./tasks.ts";

const Executor = Deno.args[0] === "processes" ? ProcessPoolExecutor : ThreadPoolExecutor;
const [small = 0, single = 0, computing = 0] = Deno.args.slice(1).map(Number);
const module = new URL("./tasks.ts", import.meta.url).href;

/** How many a second are done. */
async function rate(count: number, run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return count / (performance.now() - start) * 1000;
}

function all(count: number, submit: (at: number) => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, (_, at) => submit(at)));
}

/** How many computing tasks a second are done by so many workers. */
async function computed(workers: number): Promise<number> {
  await using executor = new Executor(workers, { module });
  await all(2 * workers, () => executor.submit(compute));
  return await rate(computing, () => all(computing, () => executor.submit(compute)));
}

if (import.meta.main) {
  const figures: Record<string, number> = {};
  {
    await using executor = new Executor(2, { module });
    const at_once = () => all(small, (at) => executor.submit(echo, at));
    await at_once();
    figures["at once"] = await rate(small, at_once);
    const one_at_a_time = async () => {
      for (let at = 0; at < single; at++) await executor.submit(echo, at);
    };
    await one_at_a_time();
    figures["one at a time"] = await rate(single, one_at_a_time);
  }
  if (computing > 0) figures["2 workers to 1"] = 1 / await computed(1) * await computed(2);
  console.log(JSON.stringify(figures));
}
