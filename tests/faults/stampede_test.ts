/** Fifty clients that talk while workers and children are killed, ten a second. */
import { assert, assertEquals } from "@std/assert";
import type { ServerOptions } from "../../mod.ts";
import { bytes_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { FaultServer } from "../fixtures/programs/fault_server.ts";
import { children_of } from "../fixtures/programs/processes.ts";
import { is_there } from "../fixtures/programs/programs.ts";
import { Random } from "../fixtures/tools/random.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const DURATION = 10_000;
const KILL_EVERY = 100;
const CLIENTS = 50;
const WORKERS = 4;
const LINGER = 200;
const LONGEST = 20 * 1024;
/** How many lines a client may send before it makes room for others: a child serves one at a time. */
const LINES = 8;

/** Text to take lines from. */
const TEXT = text(new Random(1), 2 * LONGEST);

function text(random: Random, length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => 97 + random.below(26)));
}

/** How a kind of worker is killed. */
interface Kind {
  name: string;
  options: ServerOptions & { max_children?: number };
  kill(server: FaultServer, random: Random): Promise<unknown>;
}

/** What ends a worker; a loop seldom, because it stands still for 1.3 s until it is killed. */
const ENDS = [
  ..."throws in a timer,rejects unheard,closes itself,exits".split(",").flatMap((end) =>
    Array(5).fill(end)
  ),
  "loops",
];

const KINDS: Kind[] = [
  {
    name: "ThreadingTCPServer",
    options: { max_workers: WORKERS, request_timeout: 300, linger: LINGER },
    async kill({ address }, random) {
      using killer = await LineClient.connect(address);
      await killer.send(`!${random.pick(ENDS)}`);
    },
  },
  {
    name: "ForkingTCPServer",
    options: { max_children: WORKERS, linger: LINGER },
    async kill(server, random) {
      const { workers } = await server.info();
      // Not while they start: that looks like a module that does not load, and they come back slowly.
      const ready = workers!.filter(({ state }) => state === "ready");
      // Now and then all that were there are dead, and the next ones are not ready yet.
      if (ready.length === 0) return;
      const { pid } = random.pick(ready);
      try {
        Deno.kill(pid!, "SIGKILL");
      } catch {
        // It was killed before, and the server is about to hear of it.
      }
    },
  },
];

/** What became of a client. */
interface Tally {
  answers: number;
  losses: number;
}

/** Talks until it is time to stop and it had an answer; throws if one byte is wrong. */
async function talk(
  number: number,
  server: FaultServer,
  random: Random,
  stop: AbortSignal,
): Promise<Tally> {
  const tally = { answers: 0, losses: 0 };
  while (!stop.aborted || tally.answers === 0) {
    using conn = await Deno.connect(server.address as Deno.ConnectOptions);
    for (let lines = random.below(LINES) + 1; lines > 0; lines--) {
      const start = random.below(LONGEST);
      const words = TEXT.slice(start, start + random.below(LONGEST));
      if (!await echoes(conn, `${number}.${tally.answers}.${words}\n`)) {
        tally.losses++;
        break;
      }
      tally.answers++;
    }
  }
  return tally;
}

/** Sends a line and reads the answer: `false` if the connection is lost before its end. */
async function echoes(conn: Deno.Conn, line: string): Promise<boolean> {
  const expected = bytes_of(line.toUpperCase());
  const reading = read_exactly(conn, expected);
  const writing = write_bytes(conn, bytes_of(line)).catch((error) => lost(error));
  const [whole] = await Promise.all([reading, writing]);
  return whole;
}

async function read_exactly(conn: Deno.Conn, expected: Uint8Array): Promise<boolean> {
  // More than is expected, so that too much is noticed.
  const buffer = new Uint8Array(expected.length + 1);
  for (let at = 0; at < expected.length;) {
    const count = await soon(conn.read(buffer)).catch((error) => lost(error));
    if (!count) return false;
    const wrong = buffer.subarray(0, count).findIndex((byte, n) => byte !== expected[at + n]);
    assertEquals(wrong, -1, `byte ${at + wrong} of ${expected.length} is wrong`);
    at += count;
  }
  return true;
}

/** That the connection broke is no fault; anything else is. */
function lost(error: unknown): null {
  const { ConnectionReset, BrokenPipe, NotConnected } = Deno.errors;
  if ([ConnectionReset, BrokenPipe, NotConnected].some((kind) => error instanceof kind)) {
    return null;
  }
  throw error;
}

/** Kills a worker every now and then; gives how often. */
async function kill_some(
  { kill }: Kind,
  server: FaultServer,
  random: Random,
  stop: AbortSignal,
): Promise<number> {
  let kills = 0;
  for (; !stop.aborted; kills++) {
    const pause = new Promise((resolve) => setTimeout(resolve, KILL_EVERY));
    await soon(Promise.all([kill(server, random), pause]));
  }
  return kills;
}

/**
 * Has all workers serve a client at once: those that are missing start when they are needed, and may do
 * so for longer than a request has.
 */
async function fill(server: FaultServer): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: WORKERS }, () => LineClient.connect(server.address)),
  );
  for (const client of clients) await or_end(client.ask("hello"));
  for (const client of clients) client[Symbol.dispose]();
}

/** Resolves when all workers are ready, and nothing is under way. */
async function whole(server: FaultServer): Promise<void> {
  await until(async () => {
    // Again and again: a child that has had nothing to do for a while may have ended.
    await fill(server);
    await server.until_idle();
    const { workers = [] } = await server.info();
    const ready = workers.filter(({ state }) => state === "ready");
    return ready.length === WORKERS && workers.length === WORKERS;
  });
}

/** The stampede over one server. */
async function stampede(kind: Kind, random: Random): Promise<void> {
  await using server = await FaultServer.start(kind.name, kind.options);
  try {
    await trample(server, kind, random);
  } catch (error) {
    throw new Error(`${kind.name}: ${JSON.stringify(await server.info())}`, { cause: error });
  }
}

async function trample(server: FaultServer, kind: Kind, random: Random): Promise<void> {
  await whole(server);
  const before = await soon(server.descriptors(2 * LINGER));
  const stop = AbortSignal.timeout(DURATION);
  const talking = Array.from(
    { length: CLIENTS },
    (_, number) => talk(number, server, new Random(random.below(2 ** 32)), stop),
  );
  const talked = Promise.all(talking);
  // A wrong byte is heard of when the killing has ended.
  talked.catch(() => {});
  const kills = await kill_some(kind, server, random, stop);
  // Nobody waits for an answer that never comes.
  const tallies = await soon(talked);
  const answers = tallies.map(({ answers }) => answers);
  const losses = tallies.reduce((sum, { losses }) => sum + losses, 0);
  const figures = `${kind.name}: ${kills} kills, ${losses} connections lost, ` +
    `${answers.reduce((sum, count) => sum + count)} answers, ${Math.min(...answers)} at least`;
  assert(kills >= 30 && losses >= 10, figures);
  await whole(server);
  await server.has_descriptors(before);
  assertEquals(await soon(server.command("close")), { drained: 0, aborted: 0 });
  assertEquals(await children_of(server.child.pid), []);
  assertEquals(await server.end(), 0);
}

Deno.test(
  `ThreadingTCPServer and ForkingTCPServer give ${CLIENTS} clients no wrong byte while a worker is killed every ${KILL_EVERY} ms, and are whole after that`,
  {
    ignore: Deno.build.os !== "linux" || !is_there("ps"),
  },
  async () => {
    const seed = Number(
      Deno.env.get("STAMPEDE_SEED") ?? crypto.getRandomValues(new Uint16Array(1)),
    );
    const random = new Random(seed);
    try {
      // Both at once, to save time.
      await Promise.all(KINDS.map((kind) => stampede(kind, new Random(random.below(2 ** 32)))));
    } catch (error) {
      throw new Error(`It failed with STAMPEDE_SEED=${seed}`, { cause: error });
    }
  },
);
