import { assertEquals } from "@std/assert";
import { on_abort } from "../../../internal/runtime/on_abort.ts";

/** A signal that counts its listeners. */
function counting(): { controller: AbortController; signal: AbortSignal; count: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, signal, count: () => listeners };
}

Deno.test("on_abort: each function is called once, but for those that have left", () => {
  const { controller, signal } = counting();
  const called: number[] = [];
  const leave = [0, 1, 2, 3].map((n) => on_abort(signal, () => called.push(n)));
  leave[1]!();
  controller.abort();
  controller.abort();
  assertEquals(called, [0, 2, 3]);
  leave[2]!();
});

Deno.test("on_abort: one that leaves, and one that comes, while others are called", () => {
  const { controller, signal } = counting();
  const called: string[] = [];
  on_abort(signal, () => {
    called.push("first");
    leave();
  });
  const leave = on_abort(signal, () => called.push("second"));
  controller.abort();
  assertEquals(called, ["first"]);
});

Deno.test("on_abort: however many share a signal, it has one listener, and none when all have left", () => {
  const { controller, signal, count } = counting();
  const leave = Array.from({ length: 1000 }, () => on_abort(signal, () => {}));
  assertEquals(count(), 1);
  for (const left of leave) left();
  assertEquals(count(), 0);
  leave[0]!();
  let called = 0;
  on_abort(signal, () => called++);
  leave[1]!();
  assertEquals(count(), 1);
  controller.abort();
  assertEquals(called, 1);
});
