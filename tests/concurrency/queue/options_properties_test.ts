/** What queues may be told: anything else is refused at once, and by its name. */
import { LifoQueue, PriorityQueue, Queue } from "../../../concurrency/queue/mod.ts";
import {
  is_function,
  is_whole,
  options_of,
  test_options,
} from "../../fixtures/tools/any_options.ts";

const is_count = is_whole(1);

test_options({
  Queue: [
    {
      name: "maxsize",
      tell: (value) => new Queue(value as number),
      is_good: (value) => typeof value === "number" && !Number.isNaN(value),
    },
    ...options_of((options) => new Queue(0, options), {
      max_deliveries: is_count,
      observer: is_function,
    }),
  ],
  LifoQueue: options_of((options) => new LifoQueue(0, options), { max_deliveries: is_count }),
  PriorityQueue: options_of((options) => new PriorityQueue(0, options), {
    key: is_function,
    compare: is_function,
  }).map((option) => ({ ...option, words: /for the order/ })),
});
