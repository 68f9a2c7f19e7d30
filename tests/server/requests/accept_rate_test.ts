import { assert, assertEquals } from "@std/assert";
import { AcceptRate } from "../../../server/requests/accept_rate.ts";

/** Runs with a clock of its own. */
function with_clock(run: (clock: { now: number }) => void): void {
  const clock = { now: 1000 };
  const { now } = performance;
  performance.now = () => clock.now;
  try {
    run(clock);
  } finally {
    performance.now = now;
  }
}

/** How many may be taken at once. */
function taken(rate: AcceptRate, per_second: number): number {
  let count = 0;
  for (; rate.delay(per_second) === 0 && count < 1000; count++) rate.spend(per_second);
  return count;
}

Deno.test("AcceptRate gives a second's worth at first and after a pause, and then as many as it may", () => {
  with_clock((clock) => {
    const rate = new AcceptRate();
    assertEquals(taken(rate, 10), 10);
    assertEquals(rate.delay(10), 100);
    clock.now += 50;
    assertEquals([taken(rate, 10), rate.delay(10)], [0, 50]);
    clock.now += 50;
    assertEquals(taken(rate, 10), 1);
    clock.now += 300;
    assertEquals(taken(rate, 10), 3);
    clock.now += 3_600_000;
    assertEquals(taken(rate, 10), 10);
  });
});

Deno.test("AcceptRate takes another rate at once, and what had none counts for nothing", () => {
  with_clock((clock) => {
    const rate = new AcceptRate();
    assertEquals(taken(rate, Infinity), 1000);
    assertEquals(taken(rate, 5), 5);
    assertEquals(rate.delay(5), 200);
    assertEquals(rate.delay(100), 10);
    clock.now += 1000;
    assertEquals(taken(rate, 1), 1);
    assertEquals(taken(rate, Infinity), 1000);
    assertEquals(taken(rate, 5), 0);
    clock.now += 1000;
    assertEquals(taken(rate, 5), 5);
  });
});

Deno.test("AcceptRate never says that it is time before it is", () => {
  with_clock((clock) => {
    for (const per_second of [1, 3, 7, 333, 999]) {
      const rate = new AcceptRate();
      taken(rate, per_second);
      const start = clock.now;
      for (let count = 1; count <= 20; count++) {
        clock.now += rate.delay(per_second);
        assertEquals(rate.delay(per_second), 0);
        rate.spend(per_second);
        // A little for what is lost in rounding.
        const due = start + count * 1000 / per_second;
        assert(clock.now >= due - 0.001, `${count} at ${per_second} a second`);
      }
    }
  });
});
