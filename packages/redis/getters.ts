import { ShutDown } from "@socketserver/socketserver/queue";
import type { Bell } from "./bell.ts";
import type { Client, Connection } from "./connection.ts";
import type { Entry, Holdings } from "./holdings.ts";
import type { Limit } from "./limit.ts";
import { Line, type Waiter } from "./line.ts";
import type { Stream } from "./stream.ts";

/** How an item leaves the queue: until it is done, or for good. */
export type How = "t" | "g";

type Getter = Waiter<How, Entry>;

/** The most entries of one call. */
const BATCH = 100;

/** How long a read waits in Redis at the most, in ms. */
const LONGEST_READ = 10_000;

/** How soon the end of a read is tried again, in ms: it may not have begun. */
const SHORT_PAUSE = 2;

/** Where entries come from. */
interface Sources {
  stream: Stream;
  /** A connection for reads that wait: meanwhile it does nothing else. */
  reader: () => Reader;
  /** Ends a read that waits. */
  connection: Connection;
  bell: Bell;
  holdings: Holdings;
}

/** A connection, and how Redis calls it. */
export interface Reader {
  connection: Connection;
  id: number;
}

/**
 * Those who wait for an item, first come, first served. One loop serves them all: it asks for entries that are there, and
 * reads, which waits in Redis, when there are none.
 */
export class Getters {
  #line: Line<How, Entry> = new Line();
  #sources: Sources;
  #reader: Reader | undefined;
  #serving: Promise<void> | undefined;
  #closed: Error | undefined;
  /** Aborts when the read that goes on shall end. */
  #read_end: AbortController | undefined;
  #ending = Promise.resolve();

  constructor(sources: Sources) {
    this.#sources = sources;
    sources.bell.on_ring((news) => {
      if (news === "item") this.#end_read();
    });
  }

  /** The next entry. Past its timeout it fails with what `expired` makes. */
  async next(how: How, limit: Limit, expired: () => Error): Promise<Entry> {
    if (this.#closed) throw this.#closed;
    const outcome = this.#line.add(how, limit, expired);
    if (this.#is_wanted) this.#serving ??= this.#serve();
    try {
      return await outcome;
    } finally {
      if (this.#line.size === 0) this.#end_read();
    }
  }

  /** The next entry, if there is one. */
  async try_next(how: How): Promise<Entry | undefined> {
    const { stream, holdings } = this.#sources;
    const { is_shut, entries: [entry] } = await stream.take(how);
    if (!entry && is_shut) throw shut_down();
    if (entry && how === "g") holdings.got++;
    else if (entry) holdings.add(entry);
    return entry;
  }

  /** Whether anybody waits: all may leave at any time. */
  get #is_wanted(): boolean {
    return this.#line.size > 0 && !this.#closed;
  }

  async #serve(): Promise<void> {
    const { bell } = this.#sources;
    try {
      while (this.#is_wanted) {
        const rings = bell.rings("item");
        await this.#take();
        if (this.#is_wanted && await bell.hear("item")) continue;
        if (this.#is_wanted && bell.rings("item") === rings) await this.#read();
      }
    } catch (error) {
      this.#line.reject(error);
    } finally {
      this.#serving = undefined;
    }
  }

  /** Gives the entries that are there. */
  async #take(): Promise<void> {
    const getters = this.#line.first(BATCH);
    // What is got is gone: whoever may leave the line takes first.
    const wanted = getters.map(({ value, limit }) => limit.signal ? "t" : value).join("");
    const { stream, holdings } = this.#sources;
    const { is_shut, entries } = await stream.take(wanted);
    const taken = entries.filter((_, i) => wanted[i] === "t");
    for (const [i, entry] of entries.entries()) {
      if (wanted[i] === "t") continue;
      holdings.got++;
      getters[i]!.resolve(entry);
    }
    await this.#give(taken, 0);
    if (is_shut && entries.length < getters.length) this.#line.reject(shut_down());
  }

  /** Waits until there are entries, and gives them. */
  async #read(): Promise<void> {
    const { settings } = this.#sources.stream;
    const { connection } = this.#reader ??= this.#sources.reader();
    const count = Math.min(this.#line.size, BATCH);
    let wait = 1;
    for (const { limit } of this.#line) wait = Math.max(wait, limit.end - performance.now());
    const ms = Math.ceil(Math.min(wait, LONGEST_READ));
    const end = this.#read_end = new AbortController();
    const read = connection.call(
      (client) =>
        client.xReadGroup(settings.group, settings.consumer, { key: settings.key, id: ">" }, {
          COUNT: count,
          BLOCK: ms,
        }),
      { again: false, signal: end.signal },
    );
    try {
      const entries = entries_of(await read);
      this.#read_end = undefined;
      if (entries.length > 0) await this.#give(entries, entries.length);
    } catch (error) {
      if (!end.signal.aborted && !(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      this.#read_end = undefined;
    }
  }

  /** Ends the read that goes on, if there is one. */
  #end_read(): void {
    const end = this.#read_end;
    if (!end || end.signal.aborted) return;
    end.abort();
    this.#ending = this.#unblock(end);
  }

  /** Has Redis end a read: it may have answered, or not have got it yet. */
  async #unblock(end: AbortController): Promise<void> {
    try {
      while (this.#read_end === end) {
        const { id } = this.#reader!;
        const { connection } = this.#sources;
        await connection.call((client) => client.clientUnblock(id), { again: true });
        await new Promise((resolve) => setTimeout(resolve, SHORT_PAUSE));
      }
    } catch {
      // Without a connection the read has its own end.
    }
  }

  /** Gives entries to those who wait by now: others may have left. */
  async #give(entries: Entry[], read: number): Promise<void> {
    const { stream, holdings } = this.#sources;
    const getters = this.#line.first(entries.length);
    const to_get: [Getter, Entry][] = [];
    for (const [i, entry] of entries.entries()) {
      const getter = getters[i];
      if (!getter?.waits) {
        await stream.put_back(entry, "unseen");
      } else if (getter.value === "t") {
        holdings.add(entry);
        getter.resolve(entry);
      } else {
        to_get.push([getter, entry]);
      }
    }
    // Others wait for the room that these entries had.
    if (to_get.length > 0 || (read > 0 && stream.settings.maxsize > 0)) {
      await this.#get(to_get, read);
    }
  }

  /** Gets entries for good, for those who wait for them. */
  async #get(to_get: [Getter, Entry][], read: number): Promise<void> {
    const { stream, holdings } = this.#sources;
    for (const [getter] of to_get) getter.is_promised = true;
    try {
      const mine = await stream.accept(read, to_get.map(([, entry]) => entry));
      for (const [i, [getter, entry]] of to_get.entries()) {
        if (!mine[i]) continue;
        holdings.got++;
        getter.resolve(entry);
      }
    } catch (error) {
      // At most once: if Redis did not hear of it, they come back.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      for (const [getter] of to_get) getter.is_promised = false;
    }
  }

  /** Ends all waits, once what is on its way has come. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    this.#end_read();
    await this.#ending;
    // Redis could not be told to end it.
    if (this.#read_end) await this.#reader!.connection.close(error);
    await this.#serving;
    this.#line.reject(error);
    await this.#reader?.connection.close(error);
  }
}

type Reply = Awaited<ReturnType<Client["xReadGroup"]>>;

function entries_of(reply: Reply): Entry[] {
  const [stream] = (reply ?? []) as {
    messages: { id: string; message: Record<string, string> }[];
  }[];
  return (stream?.messages ?? []).map(({ id, message }) => ({
    id,
    deliveries: 1,
    fields: Object.entries(message).flat(),
  }));
}

export function shut_down(): ShutDown {
  return new ShutDown("The queue was shut down");
}
