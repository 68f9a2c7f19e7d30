import { run } from "./workload.mjs";

// Named by who starts it: it is only in the folder where this runs.
const { Queue, Worker } = await import(process.argv[3]);
const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const queue = new Queue("jobs", { connection });
await queue.waitUntilReady();
await run({
  put: (item) => queue.add("job", item, { removeOnComplete: true }),
  consume: async (count, concurrency) => {
    const worker = new Worker("jobs", async () => {}, { connection, concurrency });
    await new Promise((resolve) => worker.on("completed", () => --count || resolve()));
    await worker.close();
  },
  close: () => queue.close(),
});
