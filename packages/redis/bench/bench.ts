/**
 * A queue in Redis beside BullMQ, on the same Redis: `deno task bench:redis`. It needs `redis-server`; for BullMQ also
 * `node` and `npm`, which fetches it into a folder that is removed at the end.
 */
import { fileURLToPath } from "node:url";

interface Row {
  name: string;
  per_second: number;
  /** Processor time of the program for an item, in microseconds. */
  cpu: number;
}

/** How many calls all rows of `workload.mjs` are. */
const CALLS = 46_000;

const HERE = fileURLToPath(new URL(".", import.meta.url));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Runs a program to its end, and gives what it prints. */
async function output_of(command: string, args: string[], cwd = HERE): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${text(stderr)}`);
  return text(stdout);
}

/** The processor time of Redis so far, in microseconds. */
async function redis_time(port: number): Promise<number> {
  const info = await output_of("redis-cli", ["-p", `${port}`, "INFO", "cpu"]);
  const seconds = (name: string) => Number(new RegExp(`^${name}:(.*)$`, "m").exec(info)![1]);
  return 1e6 * (seconds("used_cpu_sys") + seconds("used_cpu_user"));
}

async function measure(name: string, port: number, run: () => Promise<string>): Promise<void> {
  await output_of("redis-cli", ["-p", `${port}`, "FLUSHALL"]);
  const before = await redis_time(port);
  const rows: Row[] = (await run()).trim().split("\n").map((line) => JSON.parse(line));
  const redis = (await redis_time(port) - before) / CALLS;
  console.log(`\n${name} (Redis: ${redis.toFixed(1)} us of processor time a call)`);
  for (const { name, per_second, cpu } of rows) {
    console.log(
      `  ${name.padEnd(28)} ${per_second.toFixed(0).padStart(7)}/s  ${cpu.toFixed(0)} us`,
    );
  }
}

/** A port that nobody uses just now. */
function free_port(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const port = free_port();
const folder = await Deno.makeTempDir();
const redis = new Deno.Command("redis-server", {
  args: ["--port", `${port}`, "--dir", folder, "--save", "", "--appendonly", "yes"],
  stdout: "null",
}).spawn();
try {
  while (await output_of("redis-cli", ["-p", `${port}`, "PING"]).catch(() => "") !== "PONG\n");
  const arg = `${port}`;
  await measure(
    "RedisQueue, Deno",
    port,
    () =>
      output_of(Deno.execPath(), ["run", `--allow-net=127.0.0.1:${port}`, "redis_queue.mjs", arg]),
  );
  for (const file of ["bullmq.mjs", "workload.mjs"]) {
    await Deno.copyFile(HERE + file, `${folder}/${file}`);
  }
  await output_of(
    "npm",
    ["install", "--silent", "--prefix", folder, "bullmq@6", "ioredis@5"],
    folder,
  );
  await measure(
    "BullMQ, Node",
    port,
    () => output_of("node", ["bullmq.mjs", arg, "bullmq"], folder),
  );
} finally {
  redis.kill();
  await redis.status;
  await Deno.remove(folder, { recursive: true });
}
