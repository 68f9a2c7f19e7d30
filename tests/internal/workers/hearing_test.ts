import { assertEquals } from "@std/assert";
import { Hearing } from "../../../internal/workers/hearing.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

Deno.test("Hearing asks after something was said, and tells that there was no answer", async () => {
  const events: string[] = [];
  await soon(
    new Promise<void>((resolve) => {
      const ask = () => {
        events.push("asked");
        return new Promise<void>(() => {});
      };
      const hearing = new Hearing(ask, resolve, { asking: 1, patience: 1 });
      hearing.said();
      hearing.said();
    }),
  );
  assertEquals(events, ["asked"]);
});

Deno.test("Hearing asks again only when something more was said", async () => {
  const questions: (() => void)[] = [];
  const ask = () => new Promise<void>((resolve) => questions.push(resolve));
  const fail = () => {
    throw new Error("It was answered");
  };
  const hearing = new Hearing(ask, fail, { asking: 1, patience: 20_000 });
  for (const count of [1, 2]) {
    hearing.said();
    await until(() => questions.length === count);
    // What is said meanwhile comes before the answer.
    hearing.said();
    questions.at(-1)!();
    await turn();
  }
  // The sanitizers find a timer that is left.
  assertEquals(questions.length, 2);
});
