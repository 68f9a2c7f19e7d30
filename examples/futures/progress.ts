/**
 * How many primes there are below a number: counted in threads, with a bar that shows how far it is. Ctrl-C stops it:
 * it says what it has by then, and nothing goes on.
 *
 * ```sh
 * deno run --allow-read=. examples/futures/progress.ts 500000
 * ```
 *
 * It prints:
 *
 * ```text
 * Counting the primes below 500000; Ctrl-C stops it
 * 41538 primes are below 500000
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { ProgressBar } from "@std/cli/unstable-progress-bar";
import { ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";

/** How many numbers a task looks at. */
const SIZE = 20_000;

/** How many primes there are from one number to another, without that. */
export function count_primes(from: number, to: number): number {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) {
    let factor = 2;
    while (factor * factor <= n && n % factor !== 0) factor++;
    if (factor * factor > n) count++;
  }
  return count;
}

/** The first numbers of all tasks. */
function* starts_below(end: number): Iterable<number> {
  for (let start = 0; start < end; start += SIZE) yield start;
}

/** The numbers at which they end. */
function* ends_up_to(end: number): Iterable<number> {
  for (const start of starts_below(end)) yield Math.min(start + SIZE, end);
}

if (import.meta.main) {
  const end = Number(Deno.args[0] ?? 5_000_000);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  console.log(`Counting the primes below ${end}; Ctrl-C stops it`);
  const bar = new ProgressBar({
    max: Math.ceil(end / SIZE),
    formatter: ({ progressBar, value, max }) => `[${progressBar}] ${value} of ${max} tasks`,
  });
  let primes = 0;
  try {
    await using executor = new ThreadPoolExecutor();
    const { map } = executor.with({ signal: stop.signal });
    for await (const count of map(count_primes, starts_below(end), ends_up_to(end))) {
      primes += count;
      bar.value++;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    await bar.stop();
    Deno.removeSignalListener("SIGINT", interrupt);
  }
  console.log(`${primes} primes are below ${Math.min(bar.value * SIZE, end)}`);
  if (stop.signal.aborted) {
    console.log(`Stopped: ${bar.value} of ${bar.max} tasks are done`);
    // Nobody listens any more: it ends as any program does at Ctrl-C, for a shell with 130.
    Deno.kill(Deno.pid, "SIGINT");
    // Another thread of the runtime ends it, a moment later: it must not come to its own end before.
    await delay(5_000);
  }
}
