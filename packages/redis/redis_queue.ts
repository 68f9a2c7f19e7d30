import { Empty, Full, type QueueWaitOptions, ShutDown } from "@socketserver/socketserver/queue";
import { TimeoutError } from "@socketserver/socketserver/threading";
import { AskingLine } from "./asking_line.ts";
import { Bell } from "./bell.ts";
import { type Client, Connection } from "./connection.ts";
import { Getters, type How, type Reader, shut_down } from "./getters.ts";
import { type Entry, Holdings } from "./holdings.ts";
import { from_text, to_text } from "./json_item.ts";
import { Limit } from "./limit.ts";
import { check_options, client_options, DEFAULTS, type RedisQueueOptions } from "./options.ts";
import { type RedisJob, TakenJob } from "./redis_job.ts";
import { make_group, open_stream, Stream, type StreamSettings } from "./stream.ts";
import { timeout_argument, type Wait, wait_arguments } from "./waits.ts";

/** How often a consumer gives a sign of life within `visibility`. */
const SIGNS = 3;

/**
 * A queue that lives in Redis or Valkey, for programs on several machines: the methods of `Queue`, over a stream with a
 * consumer group. It outlives the programs that use it, and with `appendonly` Redis itself.
 *
 * Close it at the end, or declare it with `await using`.
 *
 * @typeParam T The type of an item: what JSON can carry.
 *
 * @example A producer, and a consumer on any machine
 * ```ts ignore
 * import { RedisQueue } from "@socketserver/redis";
 *
 * const url = "redis://127.0.0.1:6379";
 * await using jobs = new RedisQueue<{ photo: string }>("photos", { url, maxsize: 1000 });
 * await jobs.put({ photo: "cat.jpg" });
 *
 * using job = await jobs.take();
 * console.log(job.item.photo, job.deliveries); // cat.jpg 1
 * await job.done();
 * ```
 */
export class RedisQueue<T> implements AsyncDisposable {
  /** Its name: the key of its stream is `namespace:name`. */
  readonly name: string;
  /** How many items it has room for; 0 or less means any number. */
  readonly maxsize: number;
  #settings: StreamSettings;
  #options: RedisQueueOptions;
  #report: (error: Error) => void;
  #connection: Connection;
  #stream: Stream;
  #bell: Bell;
  #holdings = new Holdings();
  #getters: Getters;
  #putters: AskingLine<string>;
  #joiners: AskingLine<null>;
  #signs: ReturnType<typeof setInterval> | undefined;
  #is_giving_sign = false;
  #closing: Promise<void> | undefined;

  /**
   * Makes the object, and begins to connect. The queue in Redis comes to be with its first use.
   *
   * @param name The name of the queue, the same for all who use it.
   * @param options Where Redis is, and what else it can be told.
   * @throws {TypeError} If an option has an unknown name or another type, or the URL is none.
   * @throws {RangeError} If a number is out of its range.
   */
  constructor(name: string, options: RedisQueueOptions = {}) {
    check_options(name, options);
    const { maxsize, visibility, max_deliveries, namespace, group } = { ...DEFAULTS, ...options };
    const { consumer = crypto.randomUUID(), on_error = print } = options;
    this.name = name;
    this.maxsize = maxsize;
    const key = `${namespace}:${name}`;
    const room = maxsize > 0 && maxsize < Infinity ? maxsize : 0;
    this.#settings = { key, group, consumer, maxsize: room, visibility, max_deliveries };
    this.#options = options;
    // What it throws is its own.
    this.#report = (error) => queueMicrotask(() => on_error(error));
    this.#connection = this.#connect((client) => this.#open(client));
    this.#stream = new Stream(this.#connection, this.#settings);
    this.#bell = new Bell(this.#connection, key);
    this.#getters = new Getters({
      stream: this.#stream,
      reader: () => this.#connect_reader(),
      connection: this.#connection,
      bell: this.#bell,
      holdings: this.#holdings,
    });
    this.#putters = new AskingLine(this.#bell, "room", (text, signal) => this.#put(text, signal));
    this.#joiners = new AskingLine(this.#bell, "done", async (_, signal) => {
      const { unfinished } = await this.#stream.count(signal);
      return unfinished === 0;
    });
  }

  #connect(greet: (client: Client) => Promise<unknown>): Connection {
    const options = client_options(this.#options);
    return new Connection({ options, greet, report: this.#report });
  }

  async #open(client: Client): Promise<void> {
    await open_stream(client, this.#settings, this.#holdings);
    // What happened meanwhile was not heard.
    this.#bell.ring_all();
  }

  #connect_reader(): Reader {
    const reader: Reader = {
      id: 0,
      connection: this.#connect(async (client) => {
        reader.id = await client.clientId();
        await make_group(client, this.#settings);
      }),
    };
    return reader;
  }

  /**
   * Adds an item. Where there is no room, it waits.
   *
   * @param item The item: what JSON can carry.
   * @param block Whether to wait for room: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Full} If there was no room in time.
   * @throws {ShutDown} If the queue was shut down.
   * @throws {DOMException} If JSON cannot carry the item (`DataCloneError`).
   * @throws {RangeError} If the timeout is negative.
   * @throws {TimeoutError} If Redis could not be reached in time.
   * @throws {Deno.errors.ConnectionReset} If the connection ended before the answer came: the item may have been added or
   * not.
   * @throws {Deno.errors.BadResource} If this object was closed.
   */
  put(item: T, block?: boolean, timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  put(item: T, options: QueueWaitOptions): Promise<void>;
  async put(item: T, first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<void> {
    const wait = wait_arguments(first, timeout);
    const text = to_text(item);
    using limit = new Limit(wait);
    // Those who wait already go first.
    if (this.#putters.size === 0 || wait.timeout === 0) {
      if (await within(limit, this.#put(text, limit.signal))) return;
      if (wait.timeout === 0) throw full();
    }
    await this.#putters.add(text, limit, full);
  }

  /** Tells whether there was room. */
  async #put(text: string, signal: AbortSignal | undefined): Promise<boolean> {
    const answer = await this.#stream.put(text, signal);
    if (answer === "shut") throw shut_down();
    return answer === "put";
  }

  /**
   * Adds an item, if there is room.
   *
   * @throws {Full} If there is none.
   */
  put_nowait(item: T): Promise<void> {
    return this.put(item, false);
  }

  /**
   * Takes the next item out of the queue, and waits for one. At most once: it is lost with the program that got it.
   * {@linkcode RedisQueue.take} brings such items back.
   *
   * @param block Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Empty} If there was none in time.
   * @throws {ShutDown} If the queue was shut down, and is empty.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If this object was closed.
   */
  get(block?: boolean, timeout?: number | null): Promise<T>;
  /** The same with the arguments as one object. */
  get(options: QueueWaitOptions): Promise<T>;
  async get(first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<T> {
    const { item } = await this.#next("g", wait_arguments(first, timeout));
    return item;
  }

  /**
   * Takes the next item out of the queue, if there is one.
   *
   * @throws {Empty} If there is none.
   */
  get_nowait(): Promise<T> {
    return this.get(false);
  }

  /**
   * Takes the next item until it is done, and waits for one. At least once: an item whose {@linkcode RedisJob} is left
   * without `done()` is the next one again, and so is one whose consumer gives no sign of life for `visibility` ms; after
   * `max_deliveries` it is moved to the dead letters.
   *
   * @param block Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Empty} If there was none in time.
   * @throws {ShutDown} If the queue was shut down, and is empty.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If this object was closed.
   */
  take(block?: boolean, timeout?: number | null): Promise<RedisJob<T>>;
  /** The same with the arguments as one object. */
  take(options: QueueWaitOptions): Promise<RedisJob<T>>;
  async take(first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<RedisJob<T>> {
    const { item, entry } = await this.#next("t", wait_arguments(first, timeout));
    return new TakenJob(entry, item, {
      done: () => this.#done(entry),
      back: () => this.#put_back(entry),
    });
  }

  /** The next item that can be read. */
  async #next(how: How, wait: Wait): Promise<{ item: T; entry: Entry }> {
    wait.signal?.throwIfAborted();
    this.#give_signs();
    using limit = new Limit(wait);
    for (;;) {
      const entry = wait.timeout === 0
        ? await this.#getters.try_next(how)
        : await this.#getters.next(how, limit, empty);
      if (!entry) throw empty();
      try {
        return { item: from_text(field(entry, "item")) as T, entry };
      } catch (cause) {
        await this.#bury(entry, how, cause as Error);
      }
    }
  }

  async #bury(entry: Entry, how: How, cause: Error): Promise<void> {
    await this.#stream.bury(entry, how, `cannot be read: ${cause.message}`);
    if (how === "t") this.#holdings.remove(entry);
    else await this.task_done();
    const message = `An item of ${this.name} cannot be read: it was moved to the dead letters`;
    this.#report(new Error(message, { cause }));
  }

  async #done(entry: Entry): Promise<void> {
    if (this.#holdings.remove(entry)) await this.#stream.done(entry);
  }

  async #put_back(entry: Entry): Promise<void> {
    if (!this.#holdings.remove(entry)) return;
    try {
      this.#tell_buried(await this.#stream.put_back(entry, "seen") ? 1 : 0);
    } catch {
      // It comes back without a word, after its time.
    }
  }

  /**
   * Says that an item that `get()` gave is done: the same object's `get()`.
   *
   * @throws {RangeError} If more are than it got.
   */
  async task_done(): Promise<void> {
    if (this.#holdings.got === 0) throw new RangeError("task_done() called too many times");
    this.#holdings.got--;
    await this.#stream.task_done();
  }

  /**
   * Waits until all items are done that were put, by whomever.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever.
   * @throws {TimeoutError} If they were not in time.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If this object was closed.
   */
  join(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  join(options: Omit<QueueWaitOptions, "block">): Promise<void>;
  async join(first?: number | null | Omit<QueueWaitOptions, "block">): Promise<void> {
    const wait = timeout_argument(first);
    const expired = () => new TimeoutError(`Not all items were done within ${wait.timeout} ms`);
    if (wait.timeout === 0) {
      const { unfinished } = await this.#stream.count();
      if (unfinished > 0) throw expired();
      return;
    }
    using limit = new Limit(wait);
    await this.#joiners.add(null, limit, expired);
  }

  /** How many items wait to be taken. */
  async qsize(): Promise<number> {
    return (await this.#stream.count()).waiting;
  }

  /** Whether no item waits to be taken. */
  async empty(): Promise<boolean> {
    return await this.qsize() === 0;
  }

  /** Whether there is no room. */
  async full(): Promise<boolean> {
    const { maxsize } = this.#settings;
    return maxsize > 0 && await this.qsize() >= maxsize;
  }

  /**
   * Ends the queue for all who use it, now and later: `put()` rejects with `ShutDown` from now on, and `get()` and
   * `take()` when it is empty.
   *
   * @param immediate Whether what waits in it is dropped, and counts as done; `false` unless told.
   */
  async shutdown(immediate = false): Promise<void> {
    await this.#stream.shutdown(immediate);
  }

  /** Undoes {@linkcode RedisQueue.shutdown}, for the next run. */
  async reopen(): Promise<void> {
    await this.#stream.reopen();
  }

  /** The items, each as by `get()`, until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof ShutDown) return;
        throw error;
      }
      yield item;
    }
  }

  /** From the first item that is wanted on: gives signs of life, and looks for consumers that give none. */
  #give_signs(): void {
    if (this.#closing) return;
    this.#signs ??= setInterval(() => this.#give_sign(), this.#settings.visibility / SIGNS);
  }

  async #give_sign(): Promise<void> {
    if (this.#is_giving_sign) return;
    this.#is_giving_sign = true;
    try {
      const { lost, buried, gone } = await this.#stream.tend(this.#holdings.taken);
      // Some are done by now, or were taken once more.
      this.#tell_lost(lost.filter((entry) => this.#holdings.remove(entry)).length);
      this.#tell_buried(buried);
      this.#tell_gone(gone);
    } catch (error) {
      if (!this.#closing) this.#report(error as Error);
    } finally {
      this.#is_giving_sign = false;
    }
  }

  #tell_lost(count: number): void {
    if (count === 0) return;
    const what = count === 1 ? "An item" : `${count} items`;
    const { visibility } = this.#settings;
    const message =
      `${what} of ${this.name} went to another consumer, as this one gave no sign of ` +
      `life for ${visibility} ms`;
    this.#report(new Error(message));
  }

  #tell_buried(count: number): void {
    if (count === 0) return;
    const what = count === 1 ? "An item" : `${count} items`;
    const { max_deliveries, key } = this.#settings;
    const message =
      `${what} of ${this.name} came back ${max_deliveries} times without being done: ` +
      `see the dead letters in ${key}:dead`;
    this.#report(new Error(message));
  }

  #tell_gone(count: number): void {
    if (count === 0) return;
    const items = count === 1 ? "1 item" : `${count} items`;
    const message = `${items} of ${this.name} may be lost with who got them, and count as done: ` +
      "take() brings such items back";
    this.#report(new Error(message));
  }

  /**
   * Leaves the queue: waits of this object reject with `Deno.errors.BadResource`, jobs that are not done go back, and what
   * it got counts as done. The queue itself stays in Redis.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const error = new Deno.errors.BadResource(`The queue ${this.name} was closed`);
    clearInterval(this.#signs);
    this.#connection.leave(error);
    await this.#getters.close(error);
    this.#putters.reject(error);
    this.#joiners.reject(error);
    try {
      const { taken } = this.#holdings;
      this.#holdings = new Holdings();
      this.#tell_buried(await this.#stream.close(taken));
    } catch {
      // Redis cannot be reached: what is here comes back after its time.
    }
    await this.#connection.close(error);
  }

  /** The same. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function field({ fields }: Entry, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** What a call gives, unless the limit is over before it can be made. */
async function within<R>(limit: Limit, call: Promise<R>): Promise<R> {
  try {
    return await call;
  } catch (error) {
    if (!limit.is_over || error !== limit.signal?.reason) throw error;
    throw limit.error(() => new TimeoutError("Redis could not be reached in time"));
  }
}

function empty(): Empty {
  return new Empty("There is no item in the queue");
}

function full(): Full {
  return new Full("There is no room in the queue");
}

/** As text: Deno keeps what it prints, and the error itself has its connection with it. */
function print(error: Error): void {
  console.error(Deno.inspect(error));
}
