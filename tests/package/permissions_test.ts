/**
 * All that the tables of permissions in README.md and in the pages of the packages name, from JSR: each program
 * has what its row says, and no more.
 */
import { assertEquals } from "@std/assert";
import { HAS_REDIS, RedisServer } from "../../packages/redis/tests/fixtures/redis_server.ts";
import { connect_tls, file } from "../fixtures/certificates/certificates.ts";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { ask_udp, DatagramClient } from "../fixtures/clients/datagrams.ts";
import { HAS_NATIVE, LIBRARY } from "../fixtures/servers/named_servers.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { LONG, soon } from "../fixtures/tools/waiting.ts";
import { ConsumerProject } from "./consumer_project.ts";

/** What asks a server that said where it is, in this project. */
type Ask = (
  address: Deno.NetAddr & Deno.UnixAddr,
  project: ConsumerProject,
) => Promise<string | null>;

const NET = "--allow-net=127.0.0.1:0";
const UNIX = "--allow-net=unix:$PWD/my.sock --allow-read=my.sock --allow-write=my.sock";
const DATAGRAMS =
  `--unstable-net ${UNIX} --allow-net=unix:$PWD/client.sock --allow-write=client.sock`;
const MODULES = "--allow-read=.";
const CHILDREN = `${MODULES} --allow-run=deno`;
const is_linux = Deno.build.os === "linux";

/** Programs that say 42. */
const TASKS: [name: string, permissions: string][] = [
  ["AsyncExecutor", ""],
  ["Lock", ""],
  ["Manager", ""],
  ["ThreadPoolExecutor", MODULES],
  ["ThreadPool", MODULES],
  ["Thread", MODULES],
];
/** Elsewhere child processes do not learn of permissions that are lists. */
if (is_linux) {
  TASKS.push(["ProcessPoolExecutor", CHILDREN], ["Pool", CHILDREN], ["Process", CHILDREN]);
}

const ask_unix: Ask = async ({ path }, project) => {
  using client = await LineClient.connect({ transport: "unix", path: project.file(path) });
  return await client.ask("Ada");
};

const ask_unixpacket: Ask = async ({ path }, project) => {
  const server = { transport: "unixpacket", path: project.file(path) } as const;
  using client = new DatagramClient(server, project.file("client.sock"));
  return await client.ask("Ada");
};

const ask_tls: Ask = async (address) => {
  using client = new LineClient(await connect_tls(address));
  return await client.ask("Ada");
};

/** Programs with a server. */
const SERVERS: [program: string, permissions: string, ask: Ask][] = [
  ["datagrams.ts UDPServer", "--allow-net=127.0.0.1", (address) => ask_udp(address, "Ada")],
  ["sockets.ts UnixStreamServer", UNIX, ask_unix],
  ["sockets.ts UnixDatagramServer", DATAGRAMS, ask_unixpacket],
  [
    "sockets.ts AsyncUnixDatagramServer",
    `${DATAGRAMS} --allow-net=unix:$PWD/my.sock.bell --allow-read=my.sock.bell --allow-write=my.sock.bell`,
    ask_unixpacket,
  ],
  ["sockets.ts allow_reuse_port", `${NET} --unstable-net`, (address) => ask(address, "Ada")],
  ["sockets.ts tls", `${NET} --allow-read=localhost.crt,localhost.key`, ask_tls],
  ["telemetry.ts", `${NET} ${MODULES}`, (address) => ask(address, "Ada")],
];
if (HAS_NATIVE && LIBRARY) {
  SERVERS.push([
    "native.ts",
    `--allow-net=127.0.0.1 --allow-ffi=${LIBRARY}`,
    (address) => ask_udp(address, "Ada"),
  ]);
}

/** The command of a program. */
function command(permissions: string, program: string): string {
  return `deno run --quiet --no-prompt ${permissions} ${program}`;
}

/** Programs are ended by SIGTERM, which Windows does not have. */
const ignore = Deno.build.os === "windows";

Deno.test(
  "From JSR: tasks, threads, processes and locks, with their permissions",
  { ignore },
  async () => {
    await using project = await ConsumerProject.make();
    await project.run("deno cache --quiet tasks.ts");
    await at_once(TASKS, ([name]) => name, async ([name, permissions]) => {
      await using task = project.start(command(permissions, `tasks.ts ${name}`));
      assertEquals(await task.line(LONG), "42");
      await task.ends_well();
    });
  },
);

for (const [program, permissions, ask] of SERVERS) {
  Deno.test(`From JSR, with its permissions: ${program}`, { ignore }, async () => {
    await using project = await ConsumerProject.make();
    for (const name of ["localhost.crt", "localhost.key"]) {
      await Deno.copyFile(file(name), project.file(name));
    }
    await using task = project.start(command(permissions, program));
    const { address } = JSON.parse(await task.line(LONG));
    assertEquals(JSON.parse(await soon(ask(address, project)) ?? "null")?.text, "Hello, Ada");
    task.child.kill("SIGTERM");
    assertEquals(await soon(task.line()), "served");
    await task.ends_well();
  });
}

Deno.test("From JSR, with its permissions: a queue in Redis", { ignore: !HAS_REDIS }, async () => {
  await using redis = await RedisServer.start();
  await using project = await ConsumerProject.make();
  const { path } = redis;
  const permissions = `--allow-net=unix:${path} --allow-read=${path} --allow-write=${path}`;
  await using task = project.start(command(permissions, `redis.ts ${redis.url}`));
  assertEquals(await task.line(LONG), "42");
  await task.ends_well();
});
