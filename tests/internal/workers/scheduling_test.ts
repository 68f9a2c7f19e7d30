import { assert, assertEquals } from "@std/assert";
import {
  Handicap,
  is_busier,
  type Look,
  Pace,
  PATIENCE,
  REST,
  SETTLED,
  SLOW,
  START,
} from "../../../internal/workers/scheduling.ts";

const FREE: Look = { silent: false, load: 0, completed_at: 100 };

/** What makes a worker the one that gets a job rather after another. */
const BUSIER: Record<string, [busier: Partial<Look>, other: Partial<Look>]> = {
  "one that does not answer": [{ silent: true }, {}],
  "one that does not answer, although it has less to do": [{ silent: true }, { load: 9 }],
  "one that has more to do": [{ load: 2 }, { load: 1 }],
  "one that has more to do, although it ended something last": [
    { load: 2, completed_at: 200 },
    { load: 1 },
  ],
  "of two with as much to do, the one that ended something first": [{}, { completed_at: 101 }],
  "of two that do not answer, the one with more to do": [
    { silent: true, load: 2 },
    { silent: true, load: 1 },
  ],
};

for (const [name, [busier, other]] of Object.entries(BUSIER)) {
  Deno.test(`is_busier: ${name}`, () => {
    assert(is_busier({ ...FREE, ...busier }, { ...FREE, ...other }));
    assert(!is_busier({ ...FREE, ...other }, { ...FREE, ...busier }));
  });
}

Deno.test("is_busier: of two that are alike neither is, so the first stays", () => {
  assert(!is_busier(FREE, { ...FREE }));
});

Deno.test("Handicap: a silence counts once however often it is looked at, up to a bound", () => {
  const handicap = new Handicap();
  for (let looks = 0; looks < 10; looks++) handicap.looked(true);
  assertEquals(handicap.value, 4);
  for (let silences = 0; silences < 10; silences++) {
    handicap.looked(false);
    handicap.looked(true);
  }
  assertEquals(handicap.value, 16);
});

Deno.test("Handicap: each job that is done takes one off, never below none", () => {
  const handicap = new Handicap();
  handicap.looked(true);
  for (let jobs = 0; jobs < 6; jobs++) handicap.completed();
  assertEquals(handicap.value, 0);
});

Deno.test("the clocks of a pool meet in this order", () => {
  const clocks = [SLOW, PATIENCE, SETTLED, REST];
  assertEquals(clocks, clocks.toSorted((one, other) => one - other));
  // What the first worker holds back must not be longer than it takes to count as one that works.
  assert(START <= SETTLED);
});

Deno.test("Pace: nothing is sent ahead until it is known that jobs are short", () => {
  const pace = new Pace();
  assertEquals([pace.has_room(0), pace.has_room(1)], [true, false]);
  pace.given(0);
  for (let n = 0; n < 50; n++) pace.done(performance.now());
  assertEquals([pace.has_room(1), pace.has_room(64)], [true, false]);
});

Deno.test("Pace: a worker that has had its fill gets more when half of that is done", () => {
  const pace = new Pace();
  pace.given(0);
  // So many at once take no time at all.
  for (let n = 0; n < 1000; n++) pace.done(performance.now());
  assertEquals([63, 64, 63, 33, 32, 63].map((active) => pace.has_room(active)), [
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
});
