/**
 * A program of the fire: `program.ts TROUPE FOLDER` prints the addresses of its servers when they are ready, and then a line
 * of JSON for each line that it reads: the name of a command, with arguments. It ends with its input.
 */
import type { ConfigureOptions, ServerInfo, TCPServer } from "../../mod.ts";
import { BufferedReader } from "../../mod.ts";
import * as futures from "../../concurrency/futures/mod.ts";
import type { ExecutorInfo } from "../../concurrency/futures/mod.ts";
import type { QueueInfo } from "../../concurrency/queue/mod.ts";
import { LOCALHOST, pair } from "../fixtures/certificates/certificates.ts";
import * as mod from "../fixtures/servers/named_servers.ts";
import { workers_kept } from "../fixtures/servers/ready.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import type { Account } from "./account.ts";
import { Burning, type BurningMembers, PERMITS } from "./burning.ts";
import { CollectingHandler, FireHandler, PacketHandler } from "./handlers.ts";
import { type Member, type Troupe, TROUPES } from "./members.ts";
import { close_redis } from "./verbs.ts";

type Server = TCPServer & BurningMembers;

/** What a server tells of itself. */
export interface ServerReport {
  info: ServerInfo;
  account: Pick<Account, "outcomes" | "errors" | "last" | "faults" | "open">;
  jobs: QueueInfo;
  line: QueueInfo;
  /** Whether the lock is free, and each place in the room; only at rest. */
  is_free?: boolean;
  value: number;
}

/** What a program tells of itself. */
export interface Report {
  servers: Record<string, ServerReport>;
  pool: ExecutorInfo;
  /** In bytes, without garbage; only at rest. */
  heap?: number;
}

/** How long a lock that nobody uses may take to be free, in ms. */
const FREE = 5000;

class Stage {
  readonly servers: Map<string, Server> = new Map();
  readonly pool: futures.AsyncExecutor | futures.ThreadPoolExecutor;
  is_closed = false;
  #loops: Promise<void>[] = [];

  constructor({ pool, members }: Troupe, folder: string) {
    this.pool = pool === "AsyncExecutor"
      ? new futures.AsyncExecutor()
      : new futures[pool](1) as futures.ThreadPoolExecutor;
    for (const [index, member] of members.entries()) {
      const server = make(member, `${folder}/${index}`);
      server.pool = this.pool;
      this.servers.set(member.name, server);
    }
  }

  async start(): Promise<void> {
    for (const server of this.servers.values()) {
      this.#loops.push(server.serve_forever());
      void empty_line(server);
      // One after the other: all at once would take a small machine too long.
      while (!is_ready(server)) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async report(is_rest: boolean): Promise<Report> {
    const servers: Report["servers"] = {};
    for (const [name, server] of this.servers) {
      const free = is_rest ? { is_free: await is_free(server) } : {};
      servers[name] = { ...report_of(server), ...free };
    }
    return { servers, pool: this.pool.info(), ...(is_rest && { heap: collected_heap() }) };
  }

  async close(): Promise<void> {
    this.is_closed = true;
    for (const server of this.servers.values()) await server.shutdown();
    await Promise.all([...this.servers.values()].map((server) => server.server_close()));
    await Promise.all(this.#loops);
    for (const server of this.servers.values()) await server.line.shutdown();
    await this.pool.shutdown();
    await close_redis();
  }
}

function is_ready(server: Server): boolean {
  const { state, workers = [] } = server.info();
  const ready = workers.filter(({ state }) => state === "ready");
  return state === "serving" && ready.length >= workers_kept(server);
}

/** All of it is of the same moment. */
function report_of(server: Server): ServerReport {
  const { account: { outcomes, errors, last, faults, open }, jobs, line } = server;
  return structuredClone({
    info: server.info(),
    account: { outcomes, errors, last, faults, open },
    jobs: jobs.info(),
    line: line.info(),
    value: server.value(),
  });
}

function make(member: Member, path: string): Server {
  const { server, transport, is_secured, collects, options } = member;
  const Server = Burning(mod[server as "TCPServer"]);
  Object.defineProperty(Server, "name", { value: server });
  const Handler = collects ? CollectingHandler : FireHandler;
  const is_stream = transport === "tcp" || transport === "unix";
  const where = transport.startsWith("unix") ? path : ["127.0.0.1", 0];
  return new Server(where as [string, number], is_stream ? Handler : PacketHandler, {
    ...options,
    ...(is_secured && { tls: LOCALHOST }),
  }) as unknown as Server;
}

/** The server gets what handlers send, so that they wait for room. */
async function empty_line({ line }: Server): Promise<void> {
  for await (const _item of line) await line.task_done();
}

/** Whether the lock and all permits can be had: nobody is at work. */
async function is_free({ lock, room }: Server): Promise<boolean> {
  if (!await lock.acquire({ timeout: FREE })) return false;
  lock.release();
  let permits = 0;
  while (permits < PERMITS && await room.acquire({ timeout: FREE })) permits++;
  const has_more = await room.acquire({ timeout: 0 });
  for (let count = permits + Number(has_more); count > 0; count--) room.release();
  return permits === PERMITS && !has_more;
}

function collected_heap(): number {
  (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().heapUsed;
}

const COMMANDS: Record<string, (stage: Stage, name: string, value: never) => unknown> = {
  report: (stage) => stage.report(false),
  rest: (stage) => stage.report(true),
  configure: (stage, name, options: ConfigureOptions) =>
    stage.servers.get(name)!.configure(options),
  suspend: (stage, name) => stage.servers.get(name)!.suspend(),
  resume: (stage, name) => stage.servers.get(name)!.resume(),
  /** Takes the certificates of a name; says why if it does not. */
  reload(stage, name, [cert, key]: [string, string]) {
    try {
      stage.servers.get(name)!.reload_tls({ cert: pair(cert).cert, key: pair(key).key });
      return "taken";
    } catch (error) {
      return (error as Error).name;
    }
  },
  /** Takes all jobs that nobody took. */
  async leftovers(stage, name) {
    const { jobs } = stage.servers.get(name)!;
    const left: number[] = [];
    while (!await jobs.empty()) {
      left.push(await jobs.get_nowait());
      await jobs.task_done();
    }
    return left;
  },
  async close(stage) {
    await soon(stage.close());
    return await stage.report(false);
  },
};

/** JSON has no Infinity. */
function revived(_name: string, value: unknown): unknown {
  return value === "Infinity" ? Infinity : value;
}

const output = Deno.stdout.writable.getWriter();

/** Not by `console.log()`: Deno keeps what its last calls were given, and the heap would grow by MiB. */
async function tell(value: unknown): Promise<void> {
  await output.write(bytes_of(`${JSON.stringify(value)}\n`));
}

if (import.meta.main) {
  // Deno opens two sockets for signals a while after its start: let it do so before they are counted.
  const ignored = () => {};
  Deno.addSignalListener("SIGHUP", ignored);
  Deno.removeSignalListener("SIGHUP", ignored);
  const [name, folder = ""] = Deno.args;
  const stage = new Stage(TROUPES.find((troupe) => troupe.name === name)!, folder);
  await stage.start();
  const addresses = [...stage.servers].map(([name, server]) => [name, server.server_address]);
  await tell(Object.fromEntries(addresses));
  for await (const line of new BufferedReader(Deno.stdin)) {
    const [command, name, value] = JSON.parse(text_of(line), revived);
    await tell(await COMMANDS[command]!(stage, name, value as never) ?? null);
  }
  // Nobody is there any more. What is closed must end by itself.
  if (!stage.is_closed) Deno.exit(1);
}
