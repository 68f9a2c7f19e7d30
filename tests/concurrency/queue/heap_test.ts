import { assertEquals } from "@std/assert";
import { Heap } from "../../../concurrency/queue/heap.ts";
import { Random } from "../../fixtures/tools/random.ts";

Deno.test("Heap: it gives what a sorted array gives, whatever is added, taken and put back", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const compare = (one: number, other: number) => one - other;
    const heap = new Heap<number>(compare);
    let model: number[] = [];
    const taken: number[] = [];
    for (let step = 0; step < 500; step++) {
      const deed = random.below(20);
      if (deed < 9) {
        const number = random.below(100);
        heap.add(number);
        model = [...model, number].sort(compare);
      } else if (deed < 16) {
        const number = heap.next();
        assertEquals(number, model.shift());
        if (number !== undefined) taken.push(number);
      } else if (deed < 19) {
        const number = taken.shift();
        if (number === undefined) continue;
        heap.put_back(number);
        model = [...model, number].sort(compare);
      } else if (random.below(20) === 0) {
        assertEquals(heap.clear().sort(compare), model);
        model = [];
      }
      assertEquals(heap.size, model.length);
    }
    while (model.length > 0) assertEquals(heap.next(), model.shift());
    assertEquals([heap.next(), heap.size], [undefined, 0]);
  }
});

Deno.test("Heap: an order that contradicts itself loses nothing", () => {
  const random = new Random(1);
  const heap = new Heap<number>(() => random.below(3) - 1);
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  for (const number of numbers) heap.add(number);
  const out = numbers.map(() => heap.next()!);
  assertEquals(out.toSorted((one, other) => one - other), numbers);
});
