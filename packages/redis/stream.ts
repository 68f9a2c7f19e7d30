import type { Client, Connection } from "./connection.ts";
import type { Entry, Holdings } from "./holdings.ts";
import { type Script, SCRIPTS } from "./scripts.ts";

/** What a queue is told, as its scripts need it. */
export interface StreamSettings {
  /** The key of the stream: others begin with it. */
  key: string;
  group: string;
  consumer: string;
  maxsize: number;
  visibility: number;
  max_deliveries: number;
}

/** What somebody who gives a sign of life learns. */
export interface Tended {
  /** Entries that others have now. */
  lost: Entry[];
  /** How many were buried. */
  buried: number;
  /** How many items are lost with consumers that got them. */
  gone: number;
}

/** A queue in Redis, and what can be done with it. */
export class Stream {
  readonly settings: StreamSettings;
  #connection: Connection;
  #keys: string[];
  #head: string[];

  constructor(connection: Connection, settings: StreamSettings) {
    this.#connection = connection;
    this.settings = settings;
    this.#keys = keys_of(settings);
    this.#head = head_of(settings);
  }

  #run<R>(script: Script, args: readonly (string | number)[], again = true, signal?: AbortSignal) {
    const options = { keys: this.#keys, arguments: [...this.#head, ...args.map(String)] };
    return this.#connection.call(
      (client) => client.evalSha(script.sha, options) as Promise<R>,
      { again, signal },
    );
  }

  /** Adds an item; it does not wait for room. */
  put(text: string, signal: AbortSignal | undefined): Promise<"put" | "full" | "shut"> {
    return this.#run(SCRIPTS.put, [text], false, signal);
  }

  /** The next entries, as many as there are letters: "t" to take it, "g" to get it. */
  async take(
    wanted: string,
    signal?: AbortSignal,
  ): Promise<{ is_shut: boolean; entries: Entry[] }> {
    const args = [wanted];
    const [shut, found] = await this.#run<[number, [string, number, string[]][]]>(
      SCRIPTS.take,
      args,
      true,
      signal,
    );
    const entries = found.map(([id, deliveries, fields]) => ({ id, deliveries, fields }));
    return { is_shut: shut === 1, entries };
  }

  /**
   * Gets entries for good that were taken.
   *
   * @param read How many were read and not taken by {@linkcode take}.
   * @param entries Which ones to get.
   * @returns Which ones of them it got.
   */
  async accept(read: number, entries: readonly Entry[]): Promise<boolean[]> {
    const args = [read, ...tickets_of(entries)];
    const mine = await this.#run<number[]>(SCRIPTS.accept, args, false);
    return mine.map((is) => is === 1);
  }

  /** An entry that was taken is done. */
  done({ id, deliveries }: Entry): Promise<void> {
    return this.#run(SCRIPTS.done, [id, deliveries]);
  }

  /** An item that was got is done. */
  async task_done(): Promise<void> {
    try {
      await this.#run(SCRIPTS.task_done, [], false);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      // With the next connection Redis learns how many there are.
      await this.#connection.meet();
    }
  }

  /** Puts back an entry that was taken, and tells whether it was buried. */
  async put_back({ id, deliveries }: Entry, seen: "seen" | "unseen"): Promise<boolean> {
    const args = [seen === "unseen" ? 1 : 0, id, deliveries];
    return await this.#run(SCRIPTS.put_back, args) === 1;
  }

  /** Moves an entry to the dead letters: one that was taken, or that was got. */
  bury({ id, deliveries, fields }: Entry, how: "t" | "g", reason: string): Promise<void> {
    const letter = how === "g" ? [...fields, "deliveries", deliveries, "reason", reason] : [];
    return this.#run(SCRIPTS.bury, [id, deliveries, reason, ...letter]);
  }

  /** Gives a sign of life. */
  async tend(taken: readonly Entry[]): Promise<Tended> {
    const [lost, buried, gone] = await this.#run<[string[], number, number]>(
      SCRIPTS.tend,
      tickets_of(taken),
    );
    const ids = new Set(lost);
    return { lost: taken.filter(({ id }) => ids.has(id)), buried, gone };
  }

  /** How many items wait, and how many are not done. */
  async count(signal?: AbortSignal): Promise<{ waiting: number; unfinished: number }> {
    const [waiting, unfinished] = await this.#run<[number, number]>(
      SCRIPTS.count,
      [],
      true,
      signal,
    );
    return { waiting, unfinished };
  }

  shutdown(immediate: boolean): Promise<void> {
    return this.#run(SCRIPTS.shutdown, [immediate ? 1 : 0]);
  }

  reopen(): Promise<void> {
    return this.#run(SCRIPTS.reopen, []);
  }

  /** Leaves, and tells how many of the entries were buried. */
  close(taken: readonly Entry[]): Promise<number> {
    return this.#run(SCRIPTS.close, tickets_of(taken), false);
  }
}

function keys_of({ key }: StreamSettings): string[] {
  return [key, `${key}:state`, `${key}:dead`];
}

function head_of(settings: StreamSettings): string[] {
  const { group, consumer, visibility, maxsize, max_deliveries } = settings;
  return [group, consumer, ...[visibility, maxsize, max_deliveries].map(String)];
}

/** Ids and deliveries, one after the other. */
function tickets_of(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ id, deliveries }) => [id, String(deliveries)]);
}

/** Makes a new connection ready for a stream: with the scripts, the group, and what the consumer has. */
export async function open_stream(
  client: Client,
  settings: StreamSettings,
  holdings: Holdings,
): Promise<void> {
  const args = [String(holdings.got), ...tickets_of(holdings.taken)];
  // In one go: nothing of it depends on an answer.
  await Promise.all([
    ...Object.values(SCRIPTS).map(({ text }) => client.scriptLoad(text)),
    run_now(client, settings, SCRIPTS.open, args),
  ]);
}

/** Makes a new connection ready for reads of a stream. */
export async function make_group(client: Client, settings: StreamSettings): Promise<void> {
  await run_now(client, settings, SCRIPTS.make_group, []);
}

/** Runs a script that Redis may not know. */
function run_now(client: Client, settings: StreamSettings, { text }: Script, args: string[]) {
  return client.eval(text, {
    keys: keys_of(settings),
    arguments: [...head_of(settings), ...args],
  });
}
