import { assertEquals } from "@std/assert";
import { note_of, set_note } from "../../../server/requests/note.ts";

const OBJECTS: Record<string, object> = {
  "an object": {},
  "an array": [1],
  "a proxy": new Proxy({}, {}),
  "a frozen object": Object.freeze({ a: 1 }),
};

for (const [name, object] of Object.entries(OBJECTS)) {
  Deno.test(`what is noted in ${name} is found there until something else is, and nobody sees it`, () => {
    assertEquals(note_of(object), undefined);
    const keys = Reflect.ownKeys(object);
    for (const note of ["one", "two"]) {
      set_note(object, note);
      assertEquals(note_of(object), note);
    }
    assertEquals(Reflect.ownKeys(object), keys);
    set_note(object, undefined);
    assertEquals(note_of(object), undefined);
  });
}

Deno.test("an object that is frozen later keeps what is noted in it", () => {
  const object = {};
  set_note(object, "one");
  Object.freeze(object);
  set_note(object, "two");
  assertEquals(note_of(object), "two");
});

Deno.test("nothing is noted in what is no object", () => {
  for (const value of [undefined, null, 1, "text"]) assertEquals(note_of(value), undefined);
});
