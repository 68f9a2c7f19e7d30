import { assertEquals } from "@std/assert";
import { Hearing } from "../../../internal/workers/hearing.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

Deno.test("Hearing asks after something was said, and tells that there was no answer", async () => {
  const events: string[] = [];
  await soon(
    new Promise<void>((resolve) => {
      const hearing = new Hearing(() => events.push("asked"), resolve, { asking: 1, patience: 1 });
      hearing.said();
      hearing.said();
    }),
  );
  assertEquals(events, ["asked"]);
});

Deno.test("Hearing asks again only when something more was said", async () => {
  let asked = 0;
  let unheard = false;
  const ask = () => {
    hearing.answered();
    // The second time it is let off.
    if (++asked === 1) hearing.said();
    else resolve();
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  const clocks = { asking: 1, patience: 20_000 };
  const hearing = new Hearing(ask, () => unheard = true, clocks);
  hearing.said();
  await soon(promise);
  // The sanitizers would find a timer that is left.
  assertEquals({ asked, unheard }, { asked: 2, unheard: false });
});
