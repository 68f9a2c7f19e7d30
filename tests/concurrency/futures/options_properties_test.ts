/** What executors and their tasks may be told: anything else is refused at once, and by its name. */
import fc from "fast-check";
import {
  AsyncExecutor,
  type PoolExecutorOptions,
  ProcessPoolExecutor,
  type TaskOptions,
  ThreadPoolExecutor,
  wait,
} from "../../../concurrency/futures/mod.ts";
import {
  is_function,
  is_number,
  is_text,
  is_whole,
  options_of,
  or_null,
  test_options,
} from "../../fixtures/tools/any_options.ts";

const is_count = is_whole(1);
const is_time = or_null(is_number(Number.MIN_VALUE));

const EXECUTOR = {
  max_pending: is_whole(0),
  timeout: is_time,
  on_error: is_function,
  observer: is_function,
};

/** What a map may be told; `null` means the same as nothing where there is a default. */
const TASK = {
  timeout: is_time,
  priority: or_null((value) => typeof value === "number" && !Number.isNaN(value)),
  transfer: or_null(Array.isArray),
  chunksize: or_null(is_count),
  buffersize: is_count,
  retries: or_null(is_whole(0)),
  signal: (value: unknown) => value instanceof AbortSignal,
};

const WHENS = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"];

test_options({
  AsyncExecutor: [
    {
      name: "max_workers",
      tell: (value) => new AsyncExecutor(value as number),
      is_good: or_null(is_count),
    },
    ...options_of((options) => new AsyncExecutor(1, options), EXECUTOR),
  ],
  ...Object.fromEntries(
    [ThreadPoolExecutor, ProcessPoolExecutor].map((Class) => [Class.name, [
      {
        name: "max_workers",
        tell: (value: unknown) => new Class(value as number),
        is_good: or_null(is_count),
      },
      ...options_of((options: PoolExecutorOptions) => new Class(1, options), {
        ...EXECUTOR,
        max_tasks_per_child: is_count,
        thread_name_prefix: is_text,
        module: is_text,
      }),
      {
        name: "initializer",
        words: /initializer|function/,
        tell: (value: unknown) => new Class(1, { initializer: value as () => void }),
        // Workers find it by its name.
        is_good: (value: unknown) => typeof value === "function" && value.name !== "",
      },
      {
        name: "initargs",
        tell: (value: unknown) => new Class(1, { initargs: value as unknown[] }),
        is_good: Array.isArray,
        near: fc.array(fc.nat()),
      },
    ]]),
  ),
  "what tasks are told": options_of((options: TaskOptions) => {
    void new AsyncExecutor(1).with(options);
  }, TASK),
  "wait()": options_of((options) => wait([], options), {
    timeout: or_null(is_number(0)),
    return_when: (value) => WHENS.includes(value as string),
  }),
});
