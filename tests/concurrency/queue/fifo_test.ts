/** How a queue keeps its items. */
import { assertEquals } from "@std/assert";
import { Fifo } from "../../../concurrency/queue/fifo.ts";
import { Random } from "../../fixtures/tools/random.ts";

function entry(number: number): { number: number } {
  return { number };
}

Deno.test("Fifo: items that come back stand where they were, whatever comes and goes", () => {
  const fifo = new Fifo<{ number: number }>();
  let model: number[] = [];
  const out: { number: number }[] = [];
  let last = 0;
  const random = new Random(7);
  for (let step = 0; step < 5000; step++) {
    const what = random.below(5);
    if (what < 2) {
      fifo.add(entry(++last));
      model.push(last);
    } else if (what === 4 && out.length > 0) {
      const [back] = out.splice(random.below(out.length), 1);
      fifo.put_back(back!);
      model = [...model, back!.number].sort((one, other) => one - other);
    } else {
      const next = fifo.next();
      assertEquals(next?.number, model.shift());
      if (next) out.push(next);
    }
    assertEquals(fifo.size, model.length);
  }
  assertEquals(fifo.clear().map(({ number }) => number), model);
  assertEquals([fifo.size, fifo.next()], [0, undefined]);
});
