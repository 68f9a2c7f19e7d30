/** Pools give what arrays give, whatever the items, the size of chunks and the number of workers. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Pool, ThreadPool } from "../../../concurrency/multiprocessing/mod.ts";
import { describe_item, join_words } from "../../fixtures/tasks/tasks.ts";
import { LONG, soon } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

/** What a copy is told from by nobody. */
const item = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.boolean(),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.record({ name: fc.string(), age: fc.nat() }, { noNullPrototype: true }),
);
const items = fc.array(item, { maxLength: 100 });
const chunksize = fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined });
const RUNS = { numRuns: 30 };

for (const PoolClass of [Pool, ThreadPool]) {
  for (const workers of [1, 3]) {
    Deno.test(`${PoolClass.name} of ${workers}: map, imap, imap_unordered and starmap are as Array.map`, async () => {
      await using pool = new PoolClass(workers, { module });
      const same_as_array = fc.asyncProperty(items, chunksize, async (items, size) => {
        const expected = items.map(describe_item);
        const unordered = Array.fromAsync(pool.imap_unordered(describe_item, items, size));
        const [mapped, ordered, any] = await Promise.all([
          pool.map(describe_item, items, size),
          Array.fromAsync(pool.imap(describe_item, items, size)),
          unordered,
        ]);
        assertEquals([mapped, ordered, any.toSorted()], [expected, expected, expected.toSorted()]);
      });
      await soon(fc.assert(same_as_array, RUNS), LONG);
      const rows = fc.array(fc.tuple(fc.string(), fc.integer(), fc.boolean()), { maxLength: 50 });
      const starred = fc.asyncProperty(rows, chunksize, async (rows, size) => {
        const expected = rows.map((row) => join_words(...row));
        assertEquals(await pool.starmap(join_words, rows, size), expected);
      });
      await soon(fc.assert(starred, RUNS), LONG);
    });
  }

  Deno.test(`${PoolClass.name}: next() with timeouts gives each result once, in order`, async () => {
    await using pool = new PoolClass(2, { module });
    const timeouts = fc.array(fc.constantFrom(0, 1, 2, undefined), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(timeouts, async (timeouts) => {
      const numbers = [...Array(20).keys()];
      const results = pool.imap(describe_item, numbers);
      const given: unknown[] = [];
      for (let n = 0;; n++) {
        try {
          const { done, value } = await results.next(timeouts[n % timeouts.length]);
          if (done) break;
          given.push(value);
        } catch (error) {
          assertEquals((error as Error).name, "TimeoutError");
        }
      }
      assertEquals(given, numbers.map(describe_item));
    });
    await soon(fc.assert(property, RUNS), LONG);
  });
}
