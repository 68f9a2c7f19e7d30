/** The long fire: programs with servers, clients, and troubles; now and then all rest, and what must hold is looked at. */
import { HAS_REDIS, RedisServer } from "../../packages/redis/tests/fixtures/redis_server.ts";
import { Random } from "../fixtures/tools/random.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";

import { BEHAVIOURS, type Session } from "./clients.ts";
import { Clock, faketime_library } from "./clock.ts";
import { Company } from "./company.ts";
import { send_datagrams } from "./datagrams.ts";
import { ALWAYS, AT_REST, type Base, type Look, OF_PROGRAM } from "./invariants.ts";
import { holdings_of, mib, sum_of } from "./machine.ts";
import { type Troupe, TROUPES } from "./members.ts";
import type { Place } from "./place.ts";
import type { Report } from "./program.ts";
import { RedisLedger } from "./redis_ledger.ts";
import { pause, type Scene, trouble, TROUBLES } from "./troubles.ts";
import { Lost, Violation } from "./violation.ts";

/** How many clients a server has at a time: beside the servers of other programs, and where there are none. */
const CLIENTS = { beside: 2, alone: 6 };
/** How often what must always hold is looked at, in ms. */
const SAMPLE = 1000;
/** How long it burns until the next rest, in ms. */
const BURN = { least: 8000, more: 8000 };
/** How long it may take until nothing is under way any more, in ms. */
const CALM = 40_000;

/** What a program prints that is broken. That a child was killed may be printed, too. */
const BROKEN = /panicked|Uncaught|(Assertion|Range|Reference|Syntax|Type)Error/;

/** What a fire is told. */
export interface Settings {
  /** How long it burns, in ms. */
  duration: number;
  seed: number;
  /** The name of the only program; all of them if it is empty. */
  only: string;
  /** Takes a line of what happens. */
  log(line: string): void;
}

/** A client, from session to session. */
interface Client {
  place: Place;
  random: Random;
  /** Where it binds, if its server is at a path. */
  path: string;
}

export class Fire implements AsyncDisposable {
  #settings: Settings;
  #random: Random;
  #folder: TempFolder;
  #redis: RedisServer | undefined;
  #clock: Clock | undefined;
  #companies: Company[] = [];
  #ledger: RedisLedger | undefined;
  #clients: Client[] = [];
  #bases: Map<Company, Base> = new Map();
  /** What they had at the last rest. */
  #lasts: Map<Company, Base> = new Map();
  /** How often each behaviour and each trouble was, and how often all held. */
  #done: Record<string, number> = {};
  #looks = 0;
  #rests = 0;
  #started_at = performance.now();

  private constructor(settings: Settings, folder: TempFolder) {
    this.#settings = settings;
    this.#random = new Random(settings.seed);
    this.#folder = folder;
  }

  /** Starts the programs. */
  static async start(settings: Settings): Promise<Fire> {
    const fire = new Fire(settings, await TempFolder.make());
    try {
      await fire.#start();
      return fire;
    } catch (error) {
      await fire[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const library = faketime_library();
    if (library) this.#clock = new Clock(library, this.#folder.join("clock"));
    if (HAS_REDIS) {
      this.#redis = await RedisServer.start();
      this.#ledger = new RedisLedger();
    }
    const troupes = TROUPES.filter(({ name }) => ["", name].includes(this.#settings.only));
    const starting = troupes.map((troupe) => this.#start_company(troupe));
    const started = await Promise.allSettled(starting);
    this.#companies = started.flatMap((one) => one.status === "fulfilled" ? one.value : []);
    await Promise.all(starting);
    const clients = this.#settings.only === "" ? CLIENTS.beside : CLIENTS.alone;
    for (const place of this.#companies.flatMap(({ places }) => places)) {
      for (let count = 0; count < clients; count++) {
        const path = this.#folder.join(`client${this.#clients.length}`);
        this.#clients.push({ place, random: this.#fork(), path });
      }
    }
  }

  async #start_company(troupe: Troupe): Promise<Company> {
    const folder = this.#folder.join(troupe.name);
    await Deno.mkdir(folder);
    return await Company.start(troupe, folder, [
      ...(this.#redis ? [`FIRE_REDIS=${this.#redis.url}`] : []),
      ...(troupe.name === "faked" ? this.#clock?.environment ?? [] : []),
    ]);
  }

  /** One more source of chance, which does not depend on what others do. */
  #fork(): Random {
    return new Random(this.#random.below(2 ** 32));
  }

  /** Burns for as long as it was told, and ends all in order. */
  async run(): Promise<void> {
    const troublemakers = this.#troublemakers();
    this.#started_at = performance.now();
    while (this.#elapsed < this.#settings.duration) {
      const until_rest = BURN.least + this.#random.below(BURN.more);
      const left = this.#settings.duration - this.#elapsed;
      await this.#burn(Math.min(until_rest, left), troublemakers);
      await this.#rest();
    }
    await this.#end();
  }

  get #elapsed(): number {
    return performance.now() - this.#started_at;
  }

  /** Each kind of trouble with a source of chance; says which are skipped. */
  #troublemakers(): [name: string, random: Random][] {
    const scene = this.#scene(new Random(0), AbortSignal.abort());
    return Object.entries(TROUBLES).flatMap(([name, { lacks }]) => {
      const random = this.#fork();
      const lacking = lacks?.(scene);
      if (lacking === undefined) return [[name, random] as [string, Random]];
      this.#settings.log(`skipped: ${name}: there is no ${lacking}`);
      return [];
    });
  }

  #scene(random: Random, stop: AbortSignal): Scene {
    return {
      companies: this.#companies,
      redis: this.#redis,
      clock: this.#clock,
      random,
      stop,
    };
  }

  /** Clients talk and troubles come for so long; all have ended then. */
  async #burn(ms: number, troublemakers: [string, Random][]): Promise<void> {
    const stopping = new AbortController();
    const stop = stopping.signal;
    const timer = setTimeout(() => stopping.abort(), ms);
    const note = (name: string) => this.#count(name);
    const parties = [
      ...this.#clients.map((client) => this.#talk(client, stop)),
      ...troublemakers.map(([name, random]) => trouble(name, this.#scene(random, stop), note)),
      ...this.#companies.map((company) => this.#watch(company, stop)),
    ];
    // The first that fails ends it for all.
    for (const party of parties) party.catch(() => stopping.abort());
    try {
      await Promise.all(parties);
    } finally {
      clearTimeout(timer);
      stopping.abort();
    }
  }

  #count(name: string): void {
    this.#done[name] = (this.#done[name] ?? 0) + 1;
  }

  /** Begins one session after the other. */
  async #talk({ place, random, path }: Client, stop: AbortSignal): Promise<void> {
    const session: Session = { place, random, redis: this.#ledger };
    while (!stop.aborted) {
      const [name, run] = place.is_stream
        ? pick_behaviour(session)
        : ["datagrams", () => send_datagrams(session, path)] as const;
      const start = performance.now();
      place.sessions++;
      try {
        await run(session);
        place.served++;
        this.#count(name);
      } catch (error) {
        if (!(error instanceof Lost)) {
          this.#settings.log(`it said: ${await this.#state_of(place)}`);
          throw error;
        }
        place.lost++;
        if (place.may_lose(start)) continue;
        this.#settings.log(`it said: ${await this.#state_of(place)}`);
        throw new Violation(
          "no client is lost without a cause",
          `${place.member.name}: ${name}: an end after ${error.message}`,
          { cause: error.cause },
        );
      }
    }
  }

  /** What a server tells of itself, as text. */
  async #state_of(place: Place): Promise<string> {
    const company = this.#companies.find(({ places }) => places.includes(place))!;
    const { servers } = await company.report(false);
    const { info: { durations: _, ...info }, ...rest } = servers[place.member.name]!;
    return Deno.inspect({ ...rest, info }, { depth: 4, breakLength: 140 });
  }

  /** Looks at what must always hold. */
  async #watch(company: Company, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#look(company, await company.report(false));
      await pause({ stop }, SAMPLE);
    }
  }

  #look(company: Company, report: Report): void {
    this.#looks++;
    for (const [invariant, complaint] of complaints_of_servers(company, report, ALWAYS)) {
      throw new Violation(invariant, complaint);
    }
  }

  /** Waits until all is calm, and what must hold then does. */
  async #rest(): Promise<void> {
    this.#rests++;
    await Promise.all(this.#companies.map((company) => this.#calm(company)));
    for (const company of this.#companies) await this.#take_leftovers(company);
    this.#settings.log(this.#line());
  }

  async #calm(company: Company): Promise<void> {
    const start = performance.now();
    for (;;) {
      const report = await company.report(true);
      const holdings = await holdings_of(company.child.pid);
      this.#look(company, report);
      const look: Look = { company, report, holdings, base: this.#bases.get(company) };
      const [first] = [
        ...complaints_of_servers(company, report, AT_REST),
        ...complaints_of_program(look),
      ];
      if (!first) {
        if (!look.base) this.#bases.set(company, { report, holdings });
        this.#lasts.set(company, { report, holdings });
        return;
      }
      if (performance.now() - start > CALM) throw new Violation(...first);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** What was put is told, or left, or went with a client that was lost. */
  async #take_leftovers(company: Company): Promise<void> {
    for (const place of company.places.filter(({ is_stream }) => is_stream)) {
      const { name } = place.member;
      const left = await company.ask<number[]>("leftovers", name);
      for (const job of left) {
        if (place.jobs.has(job)) throw new Violation("a job is done once", `${name}: ${job}`);
        place.jobs.add(job);
      }
      const missing = place.asked.job - place.jobs.size;
      if (missing <= place.lost) continue;
      throw new Violation(
        "no job is lost",
        `${name}: ${missing} are, with ${place.lost} clients that were lost`,
      );
    }
  }

  /** What happened so far, in one line. */
  #line(): string {
    const places = this.#clients.map(({ place }) => place);
    const sum = (of: (place: Place) => number) =>
      [...new Set(places)].reduce((sum, place) => sum + of(place), 0).toLocaleString("en");
    const seconds = Math.round(this.#elapsed / 1000);
    return `${seconds} s: ${sum(({ sessions }) => sessions)} sessions, ${
      sum(({ lost }) => lost)
    } of them lost, ${sum(({ sent }) => sent)} bytes sent, ${
      sum(({ received }) => received)
    } received, ${this.#rests} rests`;
  }

  /** Closes all in order. */
  async #end(): Promise<void> {
    if (this.#redis) this.#settings.log(`Redis: ${await this.#ledger!.settle(this.#redis.url)}`);
    for (const company of this.#companies) {
      const { servers } = await company.ask<Report>("close");
      for (const [name, { account: { open } }] of Object.entries(servers)) {
        const left = open.request + open.handshake + open.worker;
        if (left > 0) {
          throw new Violation("each start has one stop", `${name}: ${Deno.inspect(open)}`);
        }
      }
      await company.child.stdin.close();
      const { code } = await company.status();
      const errors = await company.errors();
      if (code === 0 && !BROKEN.test(errors)) continue;
      throw new Violation("programs end well", `${company.troupe.name}: ${code}: ${errors}`);
    }
  }

  /** What was done, and what held, as lines of tables. */
  summary(): string[] {
    const done = Object.entries(this.#done).toSorted();
    const held = [
      ...Object.keys(ALWAYS).map((name) => [name, this.#looks]),
      ...[...Object.keys(AT_REST), ...Object.keys(OF_PROGRAM)].map((name) => [name, this.#rests]),
    ];
    return [
      ...table(["what was done", "times"], done),
      ...table(["what held", "looked at"], held),
      ...table(
        ["the program", "descriptors", "threads", "children", "heap in MiB", "resident in MiB"],
        [...this.#bases].map(([company, base]) => growth(company, base, this.#lasts.get(company)!)),
      ),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that has ended by itself has been complained of already.
    await Promise.allSettled(this.#companies.map((company) => company[Symbol.asyncDispose]()));
    await this.#redis?.[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A behaviour that fits, by its weight. */
function pick_behaviour(
  { place, random, redis }: Session,
): [name: string, run: (session: Session) => Promise<void>] {
  const fitting = Object.entries(BEHAVIOURS).filter(([_, { fits }]) =>
    fits?.(place, redis) ?? true
  );
  const sum = fitting.reduce((sum, [_, { weight }]) => sum + weight, 0);
  let at = random.below(2 ** 20) / 2 ** 20 * sum;
  for (const [name, { weight, run }] of fitting) {
    at -= weight;
    if (at < 0) return [name, run];
  }
  throw new Error("No behaviour fits");
}

type Complaint = [invariant: string, words: string];

function complaints_of_servers(
  company: Company,
  report: Report,
  invariants: typeof ALWAYS,
): Complaint[] {
  return company.places.flatMap((place) =>
    Object.entries(invariants).flatMap(([invariant, of]) =>
      of(place, report.servers[place.member.name]!).filter((words) => words !== false)
        .map((words): Complaint => [invariant, `${place.member.name}: ${words}`])
    )
  );
}

function complaints_of_program(look: Look): Complaint[] {
  return Object.entries(OF_PROGRAM).flatMap(([invariant, of]) =>
    of(look).filter((words) => words !== false)
      .map((words): Complaint => [invariant, `the program "${look.company.troupe.name}": ${words}`])
  );
}

/** What a program had at the first rest and at the last. */
function growth({ troupe }: Company, first: Base, last: Base): string[] {
  const both = (of: (base: Base) => number) => `${of(first)} → ${of(last)}`;
  return [
    troupe.name,
    both(({ holdings }) => sum_of(holdings.descriptors)),
    both(({ holdings }) => holdings.workers),
    both(({ holdings }) => holdings.children.length),
    both(({ report }) => mib(report.heap!)),
    both(({ holdings }) => mib(holdings.resident)),
  ];
}

function table(head: string[], rows: unknown[][]): string[] {
  const lines = [head, ...rows].map((row) => row.map((cell) => `${cell}`));
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return ["", ...lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at]!)).join("  "))];
}
