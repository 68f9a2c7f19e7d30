import { assertEquals } from "@std/assert";
import { Faults } from "../../../operation/monitor/faults.ts";

function fault(error: string, time = 0) {
  return { time, where: "server", what: "request failed", error, whom: "a client" };
}

Deno.test("The last 50 faults are kept, the newest first", () => {
  const faults = new Faults();
  for (let number = 1; number <= 60; number++) faults.add(fault(`${number}`));
  const { list } = faults;
  assertEquals(list.length, 50);
  assertEquals([list[0]!.error, list.at(-1)!.error], ["60", "11"]);
});

Deno.test("A fault that happens again is one, with the time of the last", () => {
  const faults = new Faults();
  faults.add(fault("other"));
  for (let time = 1; time <= 1000; time++) faults.add(fault("the same", time));
  assertEquals(faults.list.map(({ error, count, time }) => [error, count, time]), [
    ["the same", 1000, 1000],
    ["other", 1, 0],
  ]);
});
