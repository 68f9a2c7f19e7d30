/**
 * The pools of Node's packages: `node.mjs PACKAGE KIND SMALL SINGLE`, as ours.ts. It runs where they are installed.
 *
 * @module
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const [package_name, kind, ...counts] = process.argv.slice(2);
const [small, single] = counts.map(Number);

/** A small task: of piscina, which has the module's default called. */
export default function echo(value) {
  return value;
}

/** How many a second are done. */
async function rate(count, run) {
  const start = performance.now();
  await run();
  return count / (performance.now() - start) * 1000;
}

/** How a task is submitted, and how the pool is ended. */
const pools = {
  piscina() {
    const { Piscina } = require("piscina");
    const filename = fileURLToPath(import.meta.url);
    const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
    return { submit: (at) => pool.run(at), end: () => pool.destroy() };
  },
  workerpool() {
    const script = fileURLToPath(new URL("./workerpool_worker.cjs", import.meta.url));
    const workerType = kind === "processes" ? "process" : "thread";
    const options = { minWorkers: 2, maxWorkers: 2, workerType };
    const pool = require("workerpool").pool(script, options);
    return { submit: (at) => pool.exec("echo", [at]), end: () => pool.terminate() };
  },
};

// In a worker of piscina there are no arguments.
if (package_name) {
  const { submit, end } = pools[package_name]();
  const at_once = () => Promise.all(Array.from({ length: small }, (_, at) => submit(at)));
  const one_at_a_time = async () => {
    for (let at = 0; at < single; at++) await submit(at);
  };
  await at_once();
  const figures = { "at once": await rate(small, at_once) };
  await one_at_a_time();
  figures["one at a time"] = await rate(single, one_at_a_time);
  await end();
  console.log(JSON.stringify(figures));
}
