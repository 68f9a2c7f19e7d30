/** Any calls of a future in any order, next to a model of it. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  CancelledError,
  Future,
  InvalidStateError,
  TimeoutError,
} from "../../../concurrency/futures/mod.ts";
import { soon, turn } from "../../fixtures/tools/waiting.ts";

/** What is done to a future. */
const CALLS = [
  "set_running_or_notify_cancel",
  "cancel",
  "cancel_kill",
  "set_result",
  "set_exception",
  "callback",
  "callback_throws",
  "callback_adds_another",
  "callback_cancels",
  "callback_sets",
  "result",
  "result_0",
  "exception",
  "exception_0",
  "then",
] as const;
type Call = typeof CALLS[number];

/** What waits for the outcome, which is told as a text. */
interface Waiter {
  outcome: Promise<string>;
  /** What it waits for: the result, or the error. */
  wants: "result" | "exception";
}

/** The state machine of Python's `concurrent.futures.Future`, in the simplest words. */
class Model {
  state: "pending" | "running" | "cancelled" | "notified" | "finished" = "pending";
  outcome = "";
  callbacks: [Call, number][] = [];
  log: string[] = [];

  get looks(): boolean[] {
    return [this.is_cancelled, this.state === "running", this.is_done];
  }

  get is_cancelled(): boolean {
    return this.state === "cancelled" || this.state === "notified";
  }

  get is_done(): boolean {
    return this.is_cancelled || this.state === "finished";
  }

  begin(): boolean | "InvalidStateError" {
    if (this.state === "cancelled") {
      this.state = "notified";
      return false;
    }
    if (this.state !== "pending") return "InvalidStateError";
    this.state = "running";
    return true;
  }

  cancel(): boolean {
    if (this.is_cancelled) return true;
    if (this.state !== "pending") return false;
    this.state = "cancelled";
    this.outcome = "CancelledError";
    this.#end();
    return true;
  }

  finish(outcome: string): "InvalidStateError" | undefined {
    if (this.is_done) return "InvalidStateError";
    this.state = "finished";
    this.outcome = outcome;
    this.#end();
  }

  add(call: Call, n: number): void {
    if (this.is_done) this.#call(call, n);
    else this.callbacks.push([call, n]);
  }

  #end(): void {
    for (const [call, n] of this.callbacks.splice(0)) this.#call(call, n);
  }

  #call(call: Call, n: number): void {
    this.log.push(`${call} ${n}`);
    if (call === "callback_adds_another") this.add("callback", -n);
    if (call === "callback_cancels") this.log.push(`${this.cancel()}`);
    if (call === "callback_sets") this.log.push("InvalidStateError");
  }

  /** What is told of the outcome to who wants the result, or the error. */
  told(wants: Waiter["wants"]): string {
    if (wants === "result" || this.is_cancelled) return this.outcome;
    return this.outcome.startsWith("RangeError") ? this.outcome : "null";
  }
}

/** The text of an error by which it is compared. */
function text_of(error: unknown): string {
  if (error instanceof RangeError) return `RangeError ${error.message}`;
  for (const Class of [CancelledError, TimeoutError]) if (error instanceof Class) return Class.name;
  return String(error);
}

const told = (promise: Promise<unknown>): Promise<string> => promise.then(text_of, text_of);

/** A future with its model, and who waits for it. */
class Pair {
  readonly future = new Future<string>();
  readonly model = new Model();
  readonly log: string[] = [];
  readonly waiters: Waiter[] = [];

  async apply(call: Call, n: number): Promise<void> {
    const { future, model } = this;
    switch (call) {
      case "set_running_or_notify_cancel":
        return this.#same(() => future.set_running_or_notify_cancel(), model.begin());
      case "cancel":
        return this.#same(() => future.cancel(), model.cancel());
      case "cancel_kill":
        // Nobody runs a task for it that could be ended.
        return this.#same(() => future.cancel({ kill: true }), model.cancel());
      case "set_result":
        return this.#same(() => future.set_result(`${n}`), model.finish(`${n}`));
      case "set_exception":
        return this.#same(
          () => future.set_exception(new RangeError(`${n}`)),
          model.finish(`RangeError ${n}`),
        );
      case "result":
      case "then":
        return void this.waiters.push({ outcome: told(future[call]()), wants: "result" });
      case "exception":
        return void this.waiters.push({ outcome: told(future.exception()), wants: "exception" });
      case "result_0":
      case "exception_0": {
        const wants = call === "result_0" ? "result" : "exception";
        const expected = model.is_done ? model.told(wants) : "TimeoutError";
        return assertEquals(await soon(told(future[wants](0))), expected);
      }
      default:
        model.add(call, n);
        future.add_done_callback((done) => this.#called(call, n, done));
    }
  }

  #called(call: Call, n: number, done: Future<string>): unknown {
    assertEquals(done, this.future);
    this.log.push(`${call} ${n}`);
    if (call === "callback_throws") throw new Error("a callback's own");
    if (call === "callback_adds_another") {
      done.add_done_callback(() => this.#called("callback", -n, done));
    }
    if (call === "callback_cancels") this.log.push(`${done.cancel()}`);
    if (call === "callback_sets") {
      assertThrows(() => done.set_result("late"), InvalidStateError);
      this.log.push("InvalidStateError");
    }
    return n % 2 ? undefined : Promise.resolve();
  }

  #same(call: () => unknown, expected: unknown): void {
    if (expected === "InvalidStateError") assertThrows(call, InvalidStateError);
    else assertEquals(call(), expected);
  }

  check(): void {
    const { future, model, log } = this;
    assertEquals([future.cancelled(), future.running(), future.done()], model.looks);
    assertEquals(log, model.log);
  }

  /** All who wait are told the outcome. */
  async end(): Promise<void> {
    if (!this.model.is_done) await this.apply("set_result", 0);
    this.check();
    for (const { outcome, wants } of this.waiters) {
      assertEquals(await soon(outcome), this.model.told(wants));
    }
  }
}

Deno.test("Future: any calls in any order: its states, what they give, each callback once and in order (63-66)", async () => {
  const print = console.error;
  console.error = () => {};
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...CALLS), { maxLength: 20 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (calls, turns) => {
          const pair = new Pair();
          for (const [at, call] of calls.entries()) {
            await pair.apply(call, at + 1);
            pair.check();
            if (turns[at]) await turn();
          }
          await pair.end();
        },
      ),
      { numRuns: 300 },
    );
  } finally {
    console.error = print;
  }
});
