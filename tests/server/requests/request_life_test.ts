import { assertEquals } from "@std/assert";
import {
  next_state,
  type RequestEvent,
  type RequestState,
} from "../../../server/requests/request_life.ts";

/** Lives of requests: what happens, one after the other, and where it ends. */
const LIVES: Record<string, [events: RequestEvent[], state: RequestState]> = {
  "it is handled": [["claim", "start", "end", "close"], "closed"],
  "it is refused, or dropped": [["end", "close"], "closed"],
  "there is no room for it": [["claim", "end", "close"], "closed"],
  "a hook takes too long": [["cut", "close"], "closed"],
  "its handler takes too long, and ends": [["claim", "start", "cut", "end", "close"], "closed"],
  "its handler never ends": [["claim", "start", "cut", "close"], "closed"],
  "the program closes it itself": [["close"], "closed"],
  "it lingers": [["claim", "start", "end"], "closing"],
};

for (const [name, [events, end]] of Object.entries(LIVES)) {
  Deno.test(`request_life: ${name}`, () => {
    let state: RequestState = "arrived";
    for (const event of events) {
      const next = next_state(state, event);
      assertEquals(typeof next, "string", `${event} changes nothing when it is ${state}`);
      state = next!;
    }
    assertEquals(state, end);
  });
}

/** What must change nothing. */
const NOTHING: [RequestState, RequestEvent][] = [
  ["arrived", "start"],
  ["waiting", "claim"],
  ["running", "claim"],
  ["running", "start"],
  ["cut", "claim"],
  ["cut", "start"],
  ["cut", "cut"],
  ["closing", "start"],
  ["closing", "cut"],
  ["closing", "end"],
  ["closed", "claim"],
  ["closed", "start"],
  ["closed", "cut"],
  ["closed", "end"],
  ["closed", "close"],
];

Deno.test("request_life: nothing is begun that is over, and nothing ends twice", () => {
  for (const [state, event] of NOTHING) {
    assertEquals(next_state(state, event), undefined, `${event} when it is ${state}`);
  }
});
