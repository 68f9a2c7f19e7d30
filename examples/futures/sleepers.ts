/**
 * A hundred sleepers, who sleep at once on one event loop: it takes as long as one of them.
 *
 * ```sh
 * deno run examples/futures/sleepers.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * After 100 ms … are awake, and … sleep
 * All are awake: they slept at once
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { AsyncExecutor, wait } from "../../concurrency/futures/mod.ts";

await using executor = new AsyncExecutor();
const start = performance.now();
const sleepers = Array.from({ length: 100 }, () => executor.submit(delay, 200));
const { done, not_done } = await wait(sleepers, 100);
console.log(`After 100 ms ${done.size} are awake, and ${not_done.size} sleep`);
await wait(sleepers);
const in_a_row = performance.now() - start > 10_000;
console.log(`All are awake: they slept ${in_a_row ? "one after the other" : "at once"}`);
