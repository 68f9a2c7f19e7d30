import { assert } from "@std/assert";
import { rest, turn_is_long } from "../../../internal/runtime/fairness.ts";
import { SOON } from "../../fixtures/tools/waiting.ts";

Deno.test("fairness: a turn of the event loop that goes on for long is called long, and no other", async () => {
  for (let turn = 0; turn < 4; turn++) {
    await rest();
    const start = performance.now();
    // However busy the machine is: nobody has asked in this turn before.
    for (let asked = 0; asked < 8; asked++) assert(!turn_is_long(), "A turn that begins is long");
    while (!turn_is_long()) assert(performance.now() - start < SOON, "No turn is ever long");
    assert(performance.now() - start >= 10, "A turn is long at once");
  }
});

Deno.test("fairness: many short turns are no long one", async () => {
  for (const start = performance.now(); performance.now() - start < 60;) {
    await rest();
    for (let asked = 0; asked < 8; asked++) assert(!turn_is_long(), "Short turns are added up");
  }
});
