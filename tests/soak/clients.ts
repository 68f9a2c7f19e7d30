/** What clients of streams do: each entry is a session, as it is begun by chance. */
import { connect_and_reset } from "../fixtures/clients/clients.ts";
import { bytes_of, concat, pattern, same_bytes } from "../fixtures/tools/bytes.ts";
import type { Random } from "../fixtures/tools/random.ts";
import type { Place } from "./place.ts";
import type { RedisLedger } from "./redis_ledger.ts";
import { Talk } from "./talk.ts";
import { mixed } from "./task.ts";
import { Lost, Violation } from "./violation.ts";

/** What a session is given. */
export interface Session {
  readonly place: Place;
  readonly random: Random;
  readonly redis: RedisLedger | undefined;
}

/** What a client does, and how often among others. */
interface Behaviour {
  weight: number;
  /** Whether it is done to this server. */
  fits?(place: Place, redis: RedisLedger | undefined): boolean;
  run(session: Session): Promise<void>;
}

const KIB = 1024;
/** Text to take lines from. */
const TEXT = Array.from(pattern(8 * KIB), (byte) => String.fromCharCode(97 + byte % 26)).join("");

const is_mistreated = ({ member }: Place) => member.is_mistreated === true;
const has_workers = ({ member }: Place) => /^(Threading|Forking)/.test(member.server);

/** A session that says some things, quits, and sees the end. */
function polite(talk: (talk: Talk, session: Session) => Promise<void>): Behaviour["run"] {
  return async (session) => {
    using conn = await Talk.open(session.place, session.random);
    await talk(conn, session);
    await conn.say("quit");
    await conn.is_over();
    session.place.polite++;
  };
}

/** A session in which one thing is asked a few times. */
function asking(once: (talk: Talk, session: Session) => Promise<void>): Behaviour["run"] {
  return polite(async (talk, session) => {
    for (let times = session.random.below(6); times >= 0; times--) await once(talk, session);
  });
}

/** A session whose server has said what it will do, and ends it. */
function fatal(word: string, answer: string): Behaviour["run"] {
  return async ({ place, random }) => {
    using talk = await Talk.open(place, random);
    // Neighbours in the same worker may be lost, too.
    const over = place.disturb();
    try {
      await talk.ask(word, answer);
      if (word === "throw") place.thrown++;
      await talk.until_end();
    } finally {
      over();
    }
  };
}

function text(random: Random): string {
  const start = random.below(TEXT.length);
  return `:${TEXT.slice(start, start + random.below(2 * KIB))}`;
}

/** Takes a number that only one client may be told. */
function take_number(place: Place, kind: "counted" | "added", number: number): void {
  const numbers = place.numbers[kind];
  if (!numbers.has(number)) return void numbers.add(number);
  throw new Violation("a number is given once", `${place.member.name}: ${kind} ${number} twice`);
}

function take_job(place: Place, job: number): void {
  if (!place.jobs.has(job)) return void place.jobs.add(job);
  throw new Violation("a job is done once", `${place.member.name}: job ${job} twice`);
}

export const BEHAVIOURS: Record<string, Behaviour> = {
  lines: {
    weight: 8,
    run: asking(async (talk, { random }) => {
      const line = text(random);
      await talk.say(line);
      const answer = await talk.line();
      if (answer !== line.toUpperCase()) talk.wrong(answer, line.toUpperCase());
    }),
  },
  "many lines at once": {
    weight: 3,
    run: polite(async (talk, { random }) => {
      const lines = Array.from({ length: 100 + random.below(200) }, (_, at) => `:line ${at}`);
      await talk.write(bytes_of(lines.map((line) => `${line}\n`).join("")));
      for (const line of lines) {
        const answer = await talk.line();
        if (answer !== line.toUpperCase()) talk.wrong(answer, line.toUpperCase());
      }
    }),
  },
  "byte by byte": {
    weight: 1,
    run: polite(async (talk) => {
      for (const byte of bytes_of(":slow\n")) await talk.write(Uint8Array.of(byte));
      const answer = await talk.line();
      if (answer !== ":SLOW") talk.wrong(answer, ":SLOW");
    }),
  },
  bulk: {
    weight: 4,
    run: asking(async (talk, { random }) => {
      const bytes = pattern(random.below(128 * KIB), random.below(256));
      await talk.say(`echo ${bytes.length}`);
      await talk.write(bytes);
      if (!same_bytes(await talk.bytes(bytes.length), bytes)) talk.wrong("other bytes", "its own");
    }),
  },
  upload: {
    weight: 2,
    run: polite(async (talk, { random }) => {
      const [length, seed] = [random.below(512 * KIB), random.below(256)];
      await talk.say(`take ${length} ${seed}`);
      await talk.write(pattern(length, seed));
      const answer = await talk.line();
      if (answer !== `took ${length}`) talk.wrong(answer, `took ${length}`);
    }),
  },
  "slow reader": {
    weight: 2,
    run: polite(async (talk, { random }) => {
      const [length, seed] = [256 * KIB + random.below(768 * KIB), random.below(256)];
      await talk.say(`give ${length} ${seed}`);
      const parts = 4 + random.below(4);
      let at = 0;
      for (let part = 1; part <= parts; part++) {
        const until = part === parts ? length : Math.floor(length * part / parts);
        const bytes = await talk.bytes(until - at);
        if (!same_bytes(bytes, pattern(length, seed).subarray(at, until))) {
          talk.wrong("other bytes", "those of the seed");
        }
        at = until;
        await pause(random.below(60));
      }
    }),
  },
  "half-close": {
    weight: 3,
    async run({ place, random }) {
      using talk = await Talk.open(place, random);
      const lines = [text(random), text(random), ":last"];
      await talk.write(bytes_of(lines.join("\n")));
      await talk.end();
      for (const line of lines) {
        const answer = await talk.line();
        if (answer !== line.toUpperCase()) talk.wrong(answer, line.toUpperCase());
      }
      await talk.is_over();
    },
  },
  reset: {
    weight: 2,
    fits: ({ member }) => member.transport === "tcp",
    async run({ place }) {
      place.connects++;
      await connect_and_reset(place.address as Deno.NetAddr);
    },
  },
  "leaves in the middle": {
    weight: 3,
    async run({ place, random }) {
      using talk = await Talk.open(place, random);
      const length = 1 + random.below(64 * KIB);
      const beginning = random.pick([
        ":half a line",
        `echo ${length}\nxxx`,
        `give ${length} 1\n`,
        "",
      ]);
      await talk.write(bytes_of(beginning));
      if (random.below(2) === 0) await pause(random.below(20));
    },
  },
  garbage: {
    weight: 2,
    async run({ place, random }) {
      using talk = await Talk.raw(place);
      const bytes = Uint8Array.from({ length: random.below(2 * KIB) }, () => random.below(256));
      // It is reset where nobody reads it.
      const said = talk.write(bytes).then(() => talk.end()).catch((error) => {
        if (!(error instanceof Lost)) throw error;
      });
      await Promise.all([said, talk.until_end()]);
    },
  },
  "a line without end": {
    weight: 1,
    async run({ place, random }) {
      using talk = await Talk.open(place, random);
      const said = talk.write(concat(bytes_of(":"), pattern(128 * KIB).map((byte) => byte | 16)))
        .catch((error) => {
          if (!(error instanceof Lost)) throw error;
        });
      await Promise.all([said, talk.until_end()]);
    },
  },
  "says nothing": {
    weight: 0.2,
    fits: ({ is_concurrent, member }) => is_concurrent && !member.server.startsWith("Forking"),
    async run({ place, random }) {
      using talk = await Talk.open(place, random);
      await talk.until_end();
    },
  },
  count: {
    weight: 4,
    run: asking(async (talk, { place }) => {
      place.asked.count++;
      take_number(place, "counted", Number(await talk.ask("count", "counted")));
    }),
  },
  add: {
    weight: 2,
    run: asking(async (talk, { place }) => {
      place.asked.add++;
      take_number(place, "added", Number(await talk.ask("add", "added")));
    }),
  },
  room: {
    weight: 2,
    run: asking(async (talk, { random }) => {
      await talk.ask(`room ${random.below(10)}`, "was inside");
    }),
  },
  job: {
    weight: 4,
    run: asking(async (talk, { place, random }) => {
      take_job(place, Number(await talk.ask(`job ${place.next_job()} ${random.below(20)}`, "job")));
    }),
  },
  swap: {
    weight: 3,
    run: asking(async (talk, { place }) => {
      take_job(place, Number(await talk.ask(`swap ${place.next_job()}`, "job")));
    }),
  },
  send: {
    weight: 3,
    run: polite(async (talk, { place, random }) => {
      const count = 1 + random.below(20);
      place.asked.line += count;
      await talk.ask(`send ${count}`, `sent ${count}`);
    }),
  },
  pool: {
    weight: 3,
    run: asking(async (talk, { random }) => {
      const [seed, rounds] = [random.below(2 ** 31), random.below(20_000)];
      const result = await talk.ask(`pool ${seed} ${rounds}`, "pooled");
      if (result !== "lost" && Number(result) !== mixed(seed, rounds)) {
        talk.wrong(result, String(mixed(seed, rounds)));
      }
    }),
  },
  redis: {
    weight: 4,
    fits: (place, redis) => redis !== undefined && place.troupe !== "faked" && is_mistreated(place),
    run: asking(async (talk, { redis }) => {
      const job = redis!.next();
      await talk.ask(`store ${job}`, `stored ${job}`);
      redis!.stored.add(job);
      redis!.asked++;
      redis!.fetched.add(Number(await talk.ask("fetch", "fetched")));
      redis!.told++;
    }),
  },
  sleep: {
    weight: 2,
    run: asking(async (talk, { random }) => {
      await talk.ask(`sleep ${random.below(20)}`, "slept");
    }),
  },
  throw: { weight: 2, run: fatal("throw", "throwing") },
  stall: { weight: 0.2, fits: is_mistreated, run: fatal("stall", "stalling") },
  loop: {
    weight: 0.3,
    fits: (place) => is_mistreated(place) && has_workers(place),
    run: fatal("loop", "looping"),
  },
  exit: {
    weight: 0.5,
    fits: (place) => is_mistreated(place) && has_workers(place),
    run: fatal("exit", "exiting"),
  },
  reject: {
    weight: 0.5,
    fits: (place) => is_mistreated(place) && has_workers(place),
    run: fatal("reject", "rejecting"),
  },
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
