/** Programs of a project that use an entry point each, by what README.md says of their permissions. */

/** Tasks in each kind of pool, a thread and a process; says what came back. */
const TASKS = `
import * as futures from "@socketserver/socketserver/futures";
import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
import { Queue } from "@socketserver/socketserver/queue";
import * as threading from "@socketserver/socketserver/threading";

export function double(number: number): number {
  return 2 * number;
}

export async function put_double(number: number, answers: Queue<number>): Promise<void> {
  await answers.put(double(number));
}

async function executor(pool: futures.AsyncExecutor | futures.PoolExecutor): Promise<number> {
  await using used = pool;
  return await used.submit(double, 21);
}

async function pool(pool: multiprocessing.Pool | multiprocessing.ThreadPool): Promise<number> {
  await using used = pool;
  return await used.apply(double, [21]);
}

async function started(Kind: typeof threading.Thread | typeof multiprocessing.Process): Promise<number> {
  const answers = new Queue<number>();
  const work = new Kind({ target: put_double, args: [21, answers] });
  await work.start();
  await work.join();
  return await answers.get();
}

const ways: Record<string, () => Promise<number>> = {
  AsyncExecutor: () => executor(new futures.AsyncExecutor(1)),
  ThreadPoolExecutor: () => executor(new futures.ThreadPoolExecutor(1)),
  ProcessPoolExecutor: () => executor(new futures.ProcessPoolExecutor(1)),
  Pool: () => pool(new multiprocessing.Pool(1)),
  ThreadPool: () => pool(new multiprocessing.ThreadPool(1)),
  Thread: () => started(threading.Thread),
  Process: () => started(multiprocessing.Process),
  Manager: async () => {
    await using manager = new multiprocessing.Manager();
    const numbers = await manager.list<number>([42]);
    return await numbers.get(0);
  },
  Lock: async () => {
    const answers = new Queue<number>();
    using _hold = await new threading.Lock().hold();
    await put_double(21, answers);
    return await answers.get();
  },
};

if (import.meta.main) console.log(await ways[Deno.args[0]!]!());
`;

/** Servers at Unix sockets, at shared ports, and with TLS. */
const SOCKETS = `
import {
  AsyncTCPServer, AsyncUnixDatagramServer, BaseServer, DatagramRequestHandler, StreamRequestHandler,
  UnixDatagramServer, UnixStreamServer,
} from "@socketserver/socketserver";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

class GreetingHandler extends StreamRequestHandler<BaseServer, Deno.Addr> {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(await greeting(line));
  }
}

class DatagramHandler extends DatagramRequestHandler<BaseServer, Deno.UnixAddr> {
  override async handle(): Promise<void> {
    await this.wfile.write(await greeting(this.packet));
  }
}

const local: [string, number] = ["127.0.0.1", 0];
const tls = { cert: new URL("localhost.crt", import.meta.url), key: new URL("localhost.key", import.meta.url) };
const ways: Record<string, () => BaseServer<any, any, any>> = {
  UnixStreamServer: () => new UnixStreamServer("my.sock", GreetingHandler),
  UnixDatagramServer: () => new UnixDatagramServer("my.sock", DatagramHandler),
  AsyncUnixDatagramServer: () => new AsyncUnixDatagramServer("my.sock", DatagramHandler),
  allow_reuse_port: () => new AsyncTCPServer(local, GreetingHandler, { allow_reuse_port: true }),
  tls: () => new AsyncTCPServer(local, GreetingHandler, { tls }),
};
await using server = ways[Deno.args[0]!]!();
await serve(server);
`;

const NATIVE = `
import { DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
import { NativeMixIn } from "@socketserver/native";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

class DatagramHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(await greeting(this.packet));
  }
}

class FastServer extends NativeMixIn(UDPServer) {}

await using server = new FastServer(["127.0.0.1", 0], DatagramHandler);
await serve(server);
`;

const TELEMETRY = `
import { StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
import { opentelemetry, TracingMixIn } from "@socketserver/opentelemetry";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

export class TracedHandler extends TracingMixIn(StreamRequestHandler) {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(await greeting(line));
  }
}

if (import.meta.main) {
  const options = { observer: opentelemetry() };
  await using server = new ThreadingTCPServer(["127.0.0.1", 0], TracedHandler, options);
  await serve(server);
}
`;

/** Puts into a queue in Redis, and gets it back. */
const REDIS = `
import { RedisQueue } from "@socketserver/redis";

await using queue = new RedisQueue<number>("numbers", { url: Deno.args[0]! });
await queue.put(42);
console.log(await queue.get());
`;

/** The text of each, by its path. */
export const PERMISSION_FILES: Record<string, string> = {
  "native.ts": NATIVE,
  "redis.ts": REDIS,
  "sockets.ts": SOCKETS,
  "tasks.ts": TASKS,
  "telemetry.ts": TELEMETRY,
};
