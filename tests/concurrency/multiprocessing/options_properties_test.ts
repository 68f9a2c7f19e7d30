/** What pools, processes, numbers and managers may be told: anything else is refused at once, and by its name. */
import {
  BaseManager,
  Pool,
  Process,
  ThreadPool,
  Value,
} from "../../../concurrency/multiprocessing/mod.ts";
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

test_options({
  ...Object.fromEntries(
    [Pool, ThreadPool].map((Class) => [Class.name, [
      {
        name: "processes",
        tell: (value: unknown) => new Class(value as number),
        is_good: or_null(is_count),
      },
      ...options_of((options) => new Class(1, options), {
        maxtasksperchild: is_count,
        module: is_text,
      }),
    ]]),
  ),
  Process: [
    {
      name: "target",
      tell: (value) => void new Process({ target: value as () => void, module: import.meta.url }),
      is_good: is_function,
    },
    {
      name: "args",
      tell: (value) => void new Process({ target: test_options, args: value as never }),
      is_good: Array.isArray,
    },
  ],
  Value: [{
    name: "value",
    words: /store/,
    tell: (value) => void new Value("i", value as number),
    is_good: (value) => Number.isInteger(value) && is_number(-(2 ** 31), 2 ** 31 - 1)(value),
  }],
  BaseManager: options_of((options) => new BaseManager(options), {
    peer_timeout: is_number(1),
    reconnect_timeout: is_number(0),
    max_message_size: is_number(2 ** 20),
    authkey: (value) => (is_text(value) || value instanceof Uint8Array) && Object(value).length > 0,
  }),
});
