import {
  begin,
  core_of,
  type Kind,
  LocalCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { program } from "../../internal/shared/task.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { EventHome } from "./event_home.ts";
import type { HoldOptions } from "./lock.ts";

const KIND: Kind = { file: "concurrency/threading/event.ts", name: "Event" };

/**
 * Something that happens, and that others wait for: Python's `threading.Event`, for tasks of one thread, of
 * workers and of child processes alike.
 *
 * @example A traffic light
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const green = new threading.Event();
 * const cars = ["one", "two"].map(async (car) => {
 *   await green.wait();
 *   return car;
 * });
 * await green.set();
 * console.log(await Promise.all(cars)); // [ "one", "two" ]
 * ```
 */
export class Event extends SharedObject {
  #signal: AbortSignal | undefined;

  /** Makes an event that has not happened. */
  constructor() {
    super();
    begin(this, KIND, () => new EventHome());
  }

  /** Whether it has happened. */
  is_set(): Promise<boolean> {
    return core_of(this).call("is_set", []);
  }

  /** Says that it has happened: wakes all who wait for it. */
  set(): Promise<void> {
    return core_of(this).call("set", []);
  }

  /** Says that it has not happened, or not again. */
  clear(): Promise<void> {
    return core_of(this).call("clear", []);
  }

  /**
   * Waits until it has happened.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever.
   * @returns `false` if it has not happened in time.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the event was withdrawn.
   */
  wait(timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  wait(options: HoldOptions): Promise<boolean>;
  wait(first?: number | null | HoldOptions): Promise<boolean> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      return core_of(this).call("wait", [timeout], { kind: "bring", signal });
    });
  }

  /**
   * A signal that aborts when it has happened: for `fetch()` and all else that takes one. It stays aborted; when the
   * event is cleared, the next call gives a new one. In another thread than the event's, that of an event that is set
   * aborts as soon as the event has answered, not within the call: in loops ask `await event.is_set()`.
   */
  as_signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    const core = core_of(this);
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort(new DOMException("The event has happened", "AbortError"));
    this.#signal = signal;
    if (core instanceof LocalCore && (core.home as EventHome).is_set()) abort();
    // For nobody in particular. Where the event is withdrawn it will never happen.
    void program.run(async () => {
      await this.wait();
      abort();
      await core.call("cleared", [], { kind: "bring" });
      this.#signal = undefined;
    }).catch(() => {});
    return signal;
  }
}

provide_class(KIND, Event);
