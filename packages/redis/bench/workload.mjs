// What each program of the benchmark does with a queue: in JavaScript, as one of them runs on Node.

/** How many items a row has, and how many of them at once. */
const ROWS = [
  { name: "put, one by one", count: 3000, at_once: 1, puts: true },
  { name: "take and done, one by one", count: 3000, at_once: 1, puts: false },
  { name: "put, 50 at once", count: 20_000, at_once: 50, puts: true },
  { name: "take and done, 50 at once", count: 20_000, at_once: 50, puts: false },
];

/** Runs all rows with a queue that can `put(item)`, `consume(count, at_once)` and `close()`; prints JSON, a line each. */
export async function run(queue) {
  for (const { name, count, at_once, puts } of ROWS) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    if (puts) await put_all(queue, count, at_once);
    else await queue.consume(count, at_once);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      JSON.stringify({ name, per_second: count / seconds, cpu: (user + system) / count }),
    );
  }
  await queue.close();
}

async function put_all(queue, count, at_once) {
  let left = count;
  const producers = Array.from({ length: at_once }, async () => {
    while (left-- > 0) await queue.put({ id: left, file: "cat.jpg", size: [640, 480] });
  });
  await Promise.all(producers);
}
