import { assert } from "@std/assert";
import { ShortWait } from "../../../internal/workers/short_wait.ts";

/** After how many jobs, from the first on, it was looked whether there is a next one. */
function looked_after(jobs: number, is_there: () => boolean): number[] {
  const wait = new ShortWait();
  const looked: number[] = [];
  for (let job = 0; job < jobs; job++) {
    let looks = 0;
    wait.wait(() => looks++ >= 0 && is_there());
    if (looks > 0) looked.push(job);
  }
  return looked;
}

Deno.test("ShortWait waits no longer than for a moment", () => {
  const start = performance.now();
  new ShortWait().wait(() => false);
  assert(performance.now() - start < 1000);
});

Deno.test("ShortWait: where the next job never comes it is hardly waited for", () => {
  const looked = looked_after(5000, () => false);
  assert(looked.length <= 15, `it waited ${looked.length} times`);
});

Deno.test("ShortWait: where this thread loses its core it is hardly waited, whatever comes", () => {
  const looked = looked_after(5000, () => {
    const start = performance.now();
    while (performance.now() - start < 0.05);
    return false;
  });
  assert(looked.length <= 15, `it waited ${looked.length} times`);
});

Deno.test("ShortWait: as long as the next job comes it is waited for", () => {
  const wait = new ShortWait();
  let found = 0;
  for (let job = 0; job < 5000; job++) {
    let looks = 0;
    wait.wait(() => ++looks === 3 && ++found > 0);
  }
  // Now and then this thread may lose its core.
  assert(found > 1000, `it found ${found}`);
});
