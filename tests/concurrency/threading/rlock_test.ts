/** What an `RLock` and a `Condition` promise, in the same thread. */
import { as_task, NESTED_CASES, new_nested } from "../../fixtures/handlers/rlock_cases.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

for (const [name, run] of Object.entries(NESTED_CASES)) {
  Deno.test(`this thread: ${name}`, () => soon(as_task(() => run(new_nested()))));
}
