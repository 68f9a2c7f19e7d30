/** Functions by their modules and names. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { function_of, handle_of_function, stand_in } from "../../../internal/shared/functions.ts";
import { CARRIED, REFUSED } from "../../fixtures/handlers/carried_functions.ts";

Deno.test("functions: exported ones are found, and travel on from where they came", async () => {
  for (const [name, fn] of Object.entries(CARRIED)) {
    const handle = handle_of_function(fn);
    assertEquals(handle.name, name);
    const found = await function_of(structuredClone(handle));
    assert(found === fn);
    assertEquals(handle_of_function(found as typeof fn), handle);
  }
});

Deno.test("functions: one that stands in is called where its module can be loaded", async () => {
  const handle = handle_of_function(CARRIED.double!);
  const stands = stand_in(handle);
  assertEquals([stands.name, await stands(4)], ["double", 8]);
  // It is itself again where it comes from.
  assertEquals(handle_of_function(stands), handle);
});

Deno.test("functions: what cannot be found says what to write", async () => {
  for (const name of ["bound", "nameless"]) {
    const [fn, message] = REFUSED[name]!;
    const { message: said } = assertThrows(
      () => handle_of_function(fn() as typeof Object),
      TypeError,
    );
    assert(message.test(said), said);
  }
  for (const name of ["hidden", "namesake", "closure"]) {
    const [fn, message] = REFUSED[name]!;
    const handle = handle_of_function(fn() as typeof Object);
    const { message: said } = await assertRejects(() => function_of(handle), TypeError);
    assert(message.test(said), said);
  }
});

Deno.test("functions: of the main module, unless they say where they are", () => {
  function somewhere(): void {}
  assertEquals(handle_of_function(somewhere).module, Deno.mainModule);
  const module = import.meta.url;
  assertEquals(handle_of_function(Object.assign(somewhere, { module })).module, module);
});

Deno.test("functions: code in a URL is not loaded", async () => {
  for (const module of ["data:text/javascript,export function f(){}", "blob:null/x", "x", ""]) {
    await assertRejects(() => function_of({ module, name: "f", hash: 0 }), TypeError);
  }
});
