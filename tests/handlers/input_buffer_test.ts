/** What has come and is not read yet, against a plain string. */
import { assert, assertEquals } from "@std/assert";
import { InputBuffer } from "../../handlers/input_buffer.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { Random } from "../fixtures/tools/random.ts";

/** Lengths of what comes: below, at and above what a block has. */
const LENGTHS = [1, 1, 2, 3, 60, 64, 65, 1000, 4096, 8191, 8192, 8193, 20_000];

Deno.test("InputBuffer gives what came, in order, however it came and is taken", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed);
    const buffer = new InputBuffer();
    let model = "";
    for (let step = 0; step < 60; step++) {
      const count = random.below(random.pick([2, 10, 3000, model.length + 1]));
      const call = random.pick(["add", "add", "take", "show", "index_of", "trim"]);
      const where = `seed ${seed}, step ${step}: ${call}`;
      if (call === "add") {
        const chunk = Array.from({ length: random.pick(LENGTHS) }, () => random.pick([..."abc"]));
        buffer.add(bytes_of(chunk.join("")));
        model += chunk.join("");
      } else if (call === "take") {
        const taken = Math.min(count, model.length);
        assertEquals(text_of(buffer.take(taken)), model.slice(0, taken), where);
        model = model.slice(taken);
      } else if (call === "show") {
        assertEquals(text_of(buffer.show(count)), model.slice(0, count), where);
      } else if (call === "trim") {
        buffer.trim();
      } else {
        const from = Math.min(count, model.length);
        const wanted = Array.from({ length: 1 + random.below(9) }, () => random.pick([..."abcd"]));
        const place = model.indexOf(wanted.join(""), from);
        assertEquals(buffer.index_of(bytes_of(wanted.join("")), from), place, where);
      }
      assertEquals(buffer.length, model.length, where);
    }
    assertEquals(text_of(buffer.take(model.length)), model, `seed ${seed}`);
  }
});

Deno.test("InputBuffer gives arrays that nothing writes to later", () => {
  const random = new Random(1);
  const buffer = new InputBuffer();
  const taken: [Uint8Array, string][] = [];
  for (let step = 0; step < 2000; step++) {
    buffer.add(bytes_of(random.pick([..."abc"]).repeat(random.pick(LENGTHS))));
    const part = buffer.take(random.below(buffer.length + 1));
    taken.push([part, text_of(part)]);
  }
  for (const [part, text] of taken) assert(text_of(part) === text);
});
