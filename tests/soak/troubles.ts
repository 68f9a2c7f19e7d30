/** What is done to servers while clients talk. What is begun is undone before it ends. */
import type { RedisServer } from "../../packages/redis/tests/fixtures/redis_server.ts";
import type { ConfigureOptions } from "../../mod.ts";
import { output_of } from "../fixtures/programs/programs.ts";
import type { Random } from "../fixtures/tools/random.ts";
import type { Clock } from "./clock.ts";
import type { Company } from "./company.ts";
import { workers_of } from "./invariants.ts";
import { holdings_of, sum_of } from "./machine.ts";
import { LINGER, type Troupe } from "./members.ts";
import type { Place } from "./place.ts";
import { Talk } from "./talk.ts";
import { Lost, Violation } from "./violation.ts";

/** What troubles are done to. */
export interface Scene {
  readonly companies: readonly Company[];
  readonly redis: RedisServer | undefined;
  readonly clock: Clock | undefined;
  readonly random: Random;
  /** Ends when there shall be no more trouble. */
  readonly stop: AbortSignal;
}

interface Trouble {
  /** How long until the next one, in ms, on average. */
  every: number;
  /** Why it cannot be, in this scene. */
  lacks?(scene: Scene): string | undefined;
  run(scene: Scene): Promise<void>;
}

/** Limits that are set for a while, and what they are before and after it. */
const LIMITS: [ConfigureOptions, ConfigureOptions][] = [
  [{ max_requests: 1 }, { max_requests: Infinity }],
  [{ max_requests: 1, overflow: "refuse" }, { max_requests: Infinity, overflow: "queue" }],
  [{ max_requests_per_client: 1 }, { max_requests_per_client: Infinity }],
  [{ max_accepts_per_second: 5 }, { max_accepts_per_second: Infinity }],
  [{ max_connection_age: 100 }, { max_connection_age: null }],
  [{ deny: ["127.0.0.0/8"] }, { deny: null }],
  [{ request_timeout: 50 }, { request_timeout: null }],
  [{ linger: 0 }, { linger: LINGER }],
];

/** The certificates that a server may be told, each with a key, and whether they are good. */
const CERTIFICATES: [cert: string, key: string, is_good: boolean][] = [
  ["localhost", "localhost", true],
  ["second", "second", true],
  ["localhost", "second", false],
];

const CROWD = 40;
/** How many descriptors a program is left. */
const FEW = 3;

export const TROUBLES: Record<string, Trouble> = {
  "a child is killed": {
    every: 1200,
    lacks: lacks_program("children"),
    async run(scene) {
      const { company, pid } = await some_child(scene);
      if (pid === undefined) return;
      const over = disturb(company.places);
      send_signal(pid, "SIGKILL");
      over();
    },
  },
  "a child stands still": {
    every: 4000,
    lacks: lacks_program("children"),
    async run(scene) {
      const { company, pid } = await some_child(scene);
      if (pid === undefined) return;
      const over = disturb(company.places);
      send_signal(pid, "SIGSTOP");
      await pause(scene, scene.random.below(1500));
      send_signal(pid, "SIGCONT");
      over();
    },
  },
  "certificates are reloaded": {
    every: 700,
    async run(scene) {
      const [company, place] = some_place(scene, ({ member }) => member.is_secured === true);
      const [cert, key, is_good] = scene.random.pick(CERTIFICATES);
      const told = await company.ask<string>("reload", place.member.name, [cert, key]);
      // Without descriptors none can be read.
      const may_fail = place.may_lose(performance.now());
      if (told === (is_good ? "taken" : "RangeError") || (may_fail && told !== "taken")) return;
      throw new Violation("bad certificates change nothing", `${cert} with ${key}: ${told}`);
    },
  },
  "limits change": {
    every: 1500,
    async run(scene) {
      // That of a program whose handlers are slow by intention stays.
      const [company, place] = some_place(scene, ({ member }) => !member.is_mistreated);
      if (place.troupe === "faked") return;
      const [limits, none] = scene.random.pick(LIMITS);
      const over = place.disturb();
      const configure = (options: ConfigureOptions) =>
        company.ask("configure", place.member.name, told(options));
      await configure(only_for(place, limits));
      await pause(scene, scene.random.below(1500));
      await configure(only_for(place, none));
      over();
    },
  },
  "a server is suspended": {
    every: 3000,
    async run(scene) {
      const [company, place] = some_place(scene, () => true);
      await company.ask("suspend", place.member.name);
      await pause(scene, scene.random.below(1000));
      await company.ask("resume", place.member.name);
    },
  },
  "a crowd connects": {
    every: 3000,
    async run(scene) {
      const [, place] = some_place(
        scene,
        ({ is_stream, is_concurrent, member }) =>
          is_stream && is_concurrent && member.is_secured !== true,
      );
      const crowd = await Promise.all(
        Array.from({ length: CROWD }, () => Talk.raw(place).catch(lost)),
      );
      await pause(scene, scene.random.below(500));
      for (const talk of crowd) talk?.[Symbol.dispose]();
    },
  },
  "descriptors run out": {
    every: 8000,
    lacks: lacks_program("loop"),
    async run(scene) {
      const company = scene.companies.find(({ troupe }) => troupe.name === "loop")!;
      const { pid } = company.child;
      const { descriptors } = await holdings_of(pid);
      const over = disturb(company.places);
      const before = await limit(pid, "--nofile", "--output=SOFT", "--noheadings");
      await limit(pid, `--nofile=${sum_of(descriptors) + FEW}:`);
      await pause(scene, 500 + scene.random.below(1000));
      await limit(pid, `--nofile=${before.trim()}:`);
      over();
    },
  },
  "the clock of the machine is stepped": {
    every: 2000,
    lacks: ({ clock }) => clock ? undefined : "faketime",
    run: ({ clock, random }) => {
      clock!.step(random.below(200_000) - 100_000);
      return Promise.resolve();
    },
  },
  "Redis is killed, and starts again": {
    every: 6000,
    lacks: ({ redis }) => redis ? undefined : "redis-server",
    async run({ redis }) {
      await redis!.stop("SIGKILL");
      await redis!.start();
    },
  },
};

function lacks_program(name: Troupe["name"]): (scene: Scene) => string | undefined {
  return ({ companies }) =>
    companies.some(({ troupe }) => troupe.name === name) ? undefined : `program "${name}"`;
}

/** Begins and undoes troubles of a kind, again and again. */
export async function trouble(
  name: string,
  scene: Scene,
  done: (name: string) => void,
): Promise<void> {
  const { every, run } = TROUBLES[name]!;
  for (;;) {
    await pause(scene, scene.random.below(2 * every));
    if (scene.stop.aborted) return;
    await run(scene);
    done(name);
  }
}

function some_place(
  { companies, random }: Scene,
  fits: (place: Place) => boolean,
): [Company, Place] {
  const all = companies.flatMap((company) =>
    company.places.filter(fits).map((place): [Company, Place] => [company, place])
  );
  return random.pick(all);
}

/** A child of a server, or of the pool, that does something. */
async function some_child({ companies, random }: Scene) {
  const company = companies.find(({ troupe }) => troupe.name === "children")!;
  const workers = workers_of(await company.report(false));
  // One that is killed while it starts looks like a module that does not load.
  const ready = workers.filter(({ state }) => state === "ready");
  return { company, pid: ready.length > 0 ? random.pick(ready).pid : undefined };
}

function send_signal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function disturb(places: readonly Place[]): () => void {
  const overs = places.map((place) => place.disturb());
  return () => overs.forEach((over) => over());
}

/** Without what only servers of streams have. */
function only_for({ is_stream }: Place, options: ConfigureOptions): ConfigureOptions {
  if (is_stream) return options;
  const { max_connection_age: _, linger: __, ...rest } = options;
  return rest;
}

/** JSON has no Infinity. */
function told(options: ConfigureOptions): unknown {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, value === Infinity ? "Infinity" : value]),
  );
}

function limit(pid: number, ...args: string[]): Promise<string> {
  return output_of("prlimit", [`--pid=${pid}`, ...args]);
}

function lost(error: unknown): undefined {
  if (!(error instanceof Lost)) throw error;
}

/** Waits, but no longer than there may be trouble. */
export function pause({ stop }: Pick<Scene, "stop">, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    }
    stop.addEventListener("abort", end);
  });
}
