/** The files of a project that uses the packages, by their paths. */
import { PERMISSION_FILES } from "./permission_files.ts";

const MAIN = `
import {
  AsyncTCPServer, ForkingTCPServer, StreamRequestHandler, TCPServer, ThreadingTCPServer,
} from "@socketserver/socketserver";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

export class GreetingHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(await greeting(line));
  }
}

if (import.meta.main) {
  const servers: Record<string, typeof TCPServer> = {
    AsyncTCPServer, ForkingTCPServer, TCPServer, ThreadingTCPServer,
  };
  await using server = new servers[Deno.args[0]!]!(["127.0.0.1", 0], GreetingHandler);
  await serve(server);
}
`;

const DATAGRAMS = `
import { DatagramRequestHandler, ThreadingUDPServer, UDPServer } from "@socketserver/socketserver";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

export class DatagramHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(await greeting(this.packet));
  }
}

if (import.meta.main) {
  const Server = Deno.args[0] === "UDPServer" ? UDPServer : ThreadingUDPServer;
  await using server = new Server(["127.0.0.1", 0], DatagramHandler);
  await serve(server);
}
`;

const SHARED = `
import {
  ForkingTCPServer, type Remote, StreamRequestHandler, ThreadingTCPServer,
} from "@socketserver/socketserver";
import { Queue } from "@socketserver/socketserver/queue";
import * as threading from "@socketserver/socketserver/threading";
import { greeting } from "greeting/greeting.ts";
import { serve } from "./serve.ts";

class SharedThreadingServer extends ThreadingTCPServer {
  lock = new threading.Lock();
  greetings = new Queue<string>(1);
}

class SharedForkingServer extends ForkingTCPServer {
  lock = new threading.Lock();
  greetings = new Queue<string>(1);
}

type SharedServer = SharedThreadingServer | SharedForkingServer;

export class SharedHandler extends StreamRequestHandler<Remote<SharedServer>> {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      using _hold = await this.server.lock.hold();
      await this.server.greetings.put(await greeting(line));
      await this.wfile.write(await this.server.greetings.get());
    }
  }
}

if (import.meta.main) {
  const Server = Deno.args[0] === "ForkingTCPServer" ? SharedForkingServer : SharedThreadingServer;
  await using server = new Server(["127.0.0.1", 0], SharedHandler);
  await serve(server);
}
`;

const PROCESSES = `
import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
import { greeting } from "greeting/greeting.ts";

export async function greet(name: string, answers: multiprocessing.Queue<string>): Promise<void> {
  await answers.put(await greeting(new TextEncoder().encode(name)));
}

if (import.meta.main) {
  const answers = new multiprocessing.Queue<string>();
  const process = new multiprocessing.Process({ target: greet, args: ["Ada", answers] });
  await process.start();
  await process.join();
  const { text, pid } = JSON.parse(await answers.get());
  console.log(text, pid === process.pid, process.exitcode);
}
`;

/** A program that watches a queue, and asks for the page. */
const WATCHED = `
import { Monitor } from "@socketserver/socketserver/monitor";
import { Queue } from "@socketserver/socketserver/queue";

await using monitor = new Monitor(new Queue());
const { hostname, port } = monitor.address;
for (const path of ["health", ""]) {
  const answer = await fetch(\`http://\${hostname}:\${port}/\${path}\`);
  console.log((await answer.text()).split("\\n")[0]);
}
`;

/** A program whose handler is in another module, of which nothing else is said in the main one. */
const program_with = (imported: string) => `
import { ThreadingTCPServer } from "@socketserver/socketserver";
import ${imported};
import { serve } from "./serve.ts";

if (import.meta.main) {
  await using server = new ThreadingTCPServer(["127.0.0.1", 0], GreetingHandler);
  await serve(server);
}
`;

/** The same handler in such a module. */
const module_with = (exported: string) => `
import { StreamRequestHandler } from "@socketserver/socketserver";
import { greeting } from "greeting/greeting.ts";

${exported} class GreetingHandler extends StreamRequestHandler {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(await greeting(line));
  }
}
`;

/** A handler that says nothing of its module: for the program that serves it. */
const SERVED = `
import { StreamRequestHandler } from "@socketserver/socketserver";
import { greeting } from "greeting/greeting.ts";

export class GreetingHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(await greeting(line));
  }
}
`;

const SERVE = `
import type { BaseServer } from "@socketserver/socketserver";

/** Says where a server is and which process has it, serves until SIGTERM, and says that it did. */
export async function serve(server: BaseServer): Promise<void> {
  const end = new AbortController();
  Deno.addSignalListener("SIGTERM", () => end.abort());
  console.log(JSON.stringify({ address: server.server_address, pid: Deno.pid }));
  await server.serve_forever({ signal: end.signal });
  console.log("served");
}
`;

const GREETING = `
import { isMainThread } from "node:worker_threads";
import { delay } from "@std/async/delay";

const decoder = new TextDecoder();

/** Greets whoever the bytes name, and says where it does so. */
export async function greeting(name: Uint8Array): Promise<string> {
  await delay(1);
  const text = \`Hello, \${decoder.decode(name).trim()}\`;
  return JSON.stringify({ text, pid: Deno.pid, worker: !isMainThread }) + "\\n";
}
`;

/**
 * @param range The versions of the packages that the project takes.
 * @returns The text of each file.
 */
export function consumer_files(range: string): Record<string, string> {
  const imports = {
    ...Object.fromEntries(
      ["native", "opentelemetry", "redis", "socketserver"]
        .map((name) => [`@socketserver/${name}`, `jsr:@socketserver/${name}@${range}`]),
    ),
    "@std/async": "jsr:@std/async@^1",
    "greeting/": "./lib/",
  };
  const compilerOptions = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  return {
    "deno.json": JSON.stringify({ imports, compilerOptions }),
    ...PERMISSION_FILES,
    "lib/greeting.ts": GREETING,
    "handlers/default.ts": module_with("export default"),
    "handlers/named.ts": module_with("export"),
    "handlers/served.ts": SERVED,
    "datagrams.ts": DATAGRAMS,
    "default.ts": program_with(`GreetingHandler from "./handlers/default.ts"`),
    "main.ts": MAIN,
    "processes.ts": PROCESSES,
    "named.ts": program_with(`{ GreetingHandler } from "./handlers/named.ts"`),
    "serve.ts": SERVE,
    "shared.ts": SHARED,
    "watched.ts": WATCHED,
  };
}
