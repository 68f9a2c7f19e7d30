import { assert, assertEquals } from "@std/assert";
import { History, SECONDS } from "../../../operation/monitor/history.ts";

/** Within a tenth, as durations are counted in ranges. */
function assert_about(actual: number | null, expected: number): void {
  assert(Math.abs(actual! - expected) <= expected / 10, `${actual} is not about ${expected}`);
}

Deno.test("What ended in a second that is over is in the history", () => {
  const history = new History();
  for (let count = 0; count < 30; count++) history.add(5, 1000);
  assertEquals(history.of(1500).lines.rate.at(-1), 0);
  const { lines, figures } = history.of(2000);
  assertEquals(lines.rate.length, SECONDS);
  assertEquals(lines.rate.at(-1), 30);
  assertEquals(lines.rate.at(-2), 0);
  assertEquals(lines.p50.at(-2), null);
  assert_about(lines.p50.at(-1)!, 5);
  assertEquals(figures.per_second, 3);
});

Deno.test("The history forgets what is older than a minute", () => {
  const history = new History();
  history.add(5, 10_000);
  assertEquals(history.of(10_000 + SECONDS * 1000).lines.rate[0], 1);
  assertEquals(history.of(11_000 + SECONDS * 1000).lines.rate.includes(1), false);
  // Its place is taken by a later second.
  history.add(5, 10_000 + (SECONDS + 1) * 1000);
  const { lines, figures } = history.of(11_000 + (SECONDS + 1) * 1000);
  assertEquals(lines.rate.reduce((sum, count) => sum + count), 1);
  assert_about(figures.p99, 5);
});

Deno.test("Percentiles of durations are right within a tenth, from a millisecond to an hour", () => {
  for (const unit of [1, 10, 3_600_000 / 100]) {
    const history = new History();
    for (let part = 1; part <= 100; part++) history.add(part * unit, 500);
    const { p50, p95, p99 } = history.of(1000).figures;
    assert_about(p50, 50 * unit);
    assert_about(p95, 95 * unit);
    assert_about(p99, 99 * unit);
  }
});

Deno.test("Durations of nothing, and beyond all bounds, are counted", () => {
  const history = new History();
  history.add(0, 0);
  history.add(1e12, 0);
  const { lines, figures } = history.of(1000);
  assertEquals(lines.rate.at(-1), 2);
  assertEquals(figures.p50! < 1, true);
  assertEquals(figures.p99! > 3_600_000, true);
});

Deno.test("Without anything there are no durations", () => {
  assertEquals(new History().of(0).figures, { per_second: 0, p50: null, p95: null, p99: null });
});
