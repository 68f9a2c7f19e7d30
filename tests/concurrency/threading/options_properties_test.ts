/** What locks, timers and threads may be told: anything else is refused at once, and by its name. */
import fc from "fast-check";
import {
  Barrier,
  BoundedSemaphore,
  Lock,
  Semaphore,
  Thread,
  Timer,
} from "../../../concurrency/threading/mod.ts";
import {
  is_function,
  is_number,
  is_whole,
  or_null,
  test_options,
} from "../../fixtures/tools/any_options.ts";

/** The longest time of a timer of the platform, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

test_options({
  ...Object.fromEntries([Semaphore, BoundedSemaphore].map((Class) => [Class.name, [{
    name: "value",
    words: /permits/,
    tell: (value: unknown) => new Class(value as number),
    is_good: (value: unknown) => is_whole(0)(value) && value !== Infinity,
  }]])),
  Barrier: [
    {
      name: "parties",
      tell: (value) => new Barrier(value as number),
      is_good: (value) => is_whole(1)(value) && value !== Infinity,
    },
    {
      name: "action",
      tell: (value) => new Barrier(1, value as () => void),
      is_good: or_null(is_function),
    },
    {
      name: "timeout",
      tell: (value) => new Barrier(1, null, value as number),
      is_good: or_null(is_number(0)),
    },
  ],
  Timer: [
    {
      name: "interval",
      words: /\bms\b/,
      tell: (value) => new Timer(value as number, () => {}),
      is_good: is_number(0, MAX_TIMER),
      near: fc.double({ min: 0, max: 2 * MAX_TIMER }),
    },
    {
      name: "function",
      tell: (value) => new Timer(1, value as () => void),
      is_good: is_function,
    },
  ],
  "Lock.acquire()": [{
    name: "timeout",
    tell: async (value) => {
      const lock = new Lock();
      if (await lock.acquire(true, value as number)) await lock.release();
    },
    is_good: or_null(is_number(0)),
  }],
  Thread: [
    {
      name: "target",
      tell: (value) => void new Thread({ target: value as () => void, module: import.meta.url }),
      is_good: is_function,
    },
    {
      name: "args",
      tell: (value) => void new Thread({ target: test_options, args: value as never }),
      is_good: Array.isArray,
    },
  ],
});
