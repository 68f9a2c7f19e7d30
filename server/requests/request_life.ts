/**
 * Where a request stands: it has come, waits for its turn, is being handled, was closed while somebody
 * may still work on it, is being closed politely, is over.
 */
export type RequestState = "arrived" | "waiting" | "running" | "cut" | "closing" | "closed";

/** What happens to a request. */
export type RequestEvent =
  /** Somebody is going to run it. */
  | "claim"
  /** Its handler begins. */
  | "start"
  /** Its time is over: it is closed at once, even if a handler works on it. */
  | "cut"
  /** Its handler has ended, or it will have none. */
  | "end"
  /** It is closed, and nothing more is done for it. */
  | "close";

/**
 * The life of a request. What is not in the table changes nothing: a request that was cut is not begun,
 * one that is being closed does not end once more.
 */
const LIFE: Record<RequestEvent, Partial<Record<RequestState, RequestState>>> = {
  claim: { arrived: "waiting" },
  start: { waiting: "running" },
  cut: { arrived: "cut", waiting: "cut", running: "cut" },
  end: { arrived: "closing", waiting: "closing", running: "closing", cut: "closing" },
  close: {
    arrived: "closed",
    waiting: "closed",
    running: "closed",
    cut: "closed",
    closing: "closed",
  },
};

/** The state after an event; `undefined` where it changes nothing. */
export function next_state(state: RequestState, event: RequestEvent): RequestState | undefined {
  return LIFE[event][state];
}
