import { RedisQueue } from "@socketserver/redis";
import process from "node:process";
import { run } from "./workload.mjs";

globalThis.process = process; // For the rows, as on Node.
const jobs = new RedisQueue("jobs", { url: `redis://127.0.0.1:${process.argv[2]}` });
await jobs.qsize();
await run({
  put: (item) => jobs.put(item),
  consume: async (count, at_once) => {
    const consumers = Array.from({ length: at_once }, async () => {
      while (count-- > 0) {
        using job = await jobs.take();
        await job.done();
      }
    });
    await Promise.all(consumers);
  },
  close: () => jobs.close(),
});
