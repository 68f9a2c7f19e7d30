/** Programs in other languages share a queue: its format is a promise. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ending_of, output_of } from "../../../tests/fixtures/programs/programs.ts";
import { LONG, soon } from "../../../tests/fixtures/tools/waiting.ts";
import { redis_test } from "./fixtures/with_redis.ts";

const WORKER = fileURLToPath(new URL("fixtures/python_worker.py", import.meta.url));

/** A Python that has the client of Redis: Debian's packages are for its own one. */
const PYTHON = await (async () => {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const ending = await ending_of(python, ["-c", "import redis"]).catch(() => undefined);
    if (ending?.code === 0) return python;
  }
})();

redis_test("Python takes what Deno puts, and Deno what Python puts", async (bench) => {
  const words = bench.queue<string>({}, "words");
  const results = bench.queue<string>({}, "results");
  await words.put("snow ☃");
  await words.put("rain");
  const joining = words.join();
  const taking = (async () => {
    const items: string[] = [];
    for (let count = 0; count < 3; count++) {
      using job = await results.take();
      items.push(job.item);
      await job.done();
    }
    return items;
  })();
  const output = output_of(PYTHON!, [WORKER, bench.redis.path, "3"]);
  await soon(joining, LONG);
  // It waits in Redis for this one.
  await words.put("sun");
  assertEquals(await soon(taking, LONG), ["SNOW ☃", "RAIN", "SUN"]);
  assertEquals(await output, "snow ☃\nrain\nsun\n");
  await results.join();
  assertEquals(await words.qsize(), 0);
}, { ignore: PYTHON === undefined });
