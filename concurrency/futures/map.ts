import { is_pending, may_fail } from "../../internal/runtime/pending.ts";
import { Full } from "../../internal/shared/errors.ts";
import { error_of } from "../../internal/workers/error_image.ts";
import { Fifo } from "../queue/fifo.ts";
import type { ChunkResult } from "./chunk.ts";
import type { Future } from "./future.ts";
import type { Call, TaskFunction } from "./submitted.ts";

/** How a map goes over its items. */
export interface MapOptions {
  fn: TaskFunction;
  /** How many items go into a call. */
  chunksize: number;
  /** How many items may be read whose results were not taken. */
  buffersize: number;
  /** Has something called. */
  submit(call: Call): Future<unknown>;
  /** Waits until something can be submitted. */
  room(): Promise<void>;
}

/** What became of a call. */
interface Submission {
  readonly number: number;
  readonly call: Future<unknown> | { error: unknown };
}

type Items = Iterator<unknown> | AsyncIterator<unknown>;

/**
 * Calls a function with the items of iterables, and gives the results in order.
 *
 * @throws {TypeError} If one is not iterable.
 */
export function map_over<R>(
  iterables: readonly (Iterable<unknown> | AsyncIterable<unknown>)[],
  options: MapOptions,
): AsyncIterableIterator<R> {
  return new MapOver<R>(iterables.map(items_of), options);
}

function items_of(iterable: Iterable<unknown> | AsyncIterable<unknown>): Items {
  if (Symbol.asyncIterator in Object(iterable)) {
    return (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }
  if (Symbol.iterator in Object(iterable)) {
    return (iterable as Iterable<unknown>)[Symbol.iterator]();
  }
  throw new TypeError(
    `Cannot map over ${Deno.inspect(iterable)}: it must be iterable; settings are told to with()`,
  );
}

class MapOver<R> implements AsyncIterableIterator<R> {
  #items: Items[];
  #options: MapOptions;
  /** What was submitted, or failed before that, in order. */
  #calls: Fifo<Submission> = new Fifo();
  /** How many there were. */
  #count = 0;
  /** The results of one of them, and how many of these were taken. */
  #results: R[] = [];
  #taken = 0;
  #error: { error: unknown } | undefined;
  /** How many items were read whose results were not taken. */
  #ahead = 0;
  /** Whether no more items are read. */
  #is_over = false;
  #is_reading = false;
  /** Whether nobody wants any more results. */
  #is_left = false;
  /** Told when there is something new. */
  #news: PromiseWithResolvers<void> | undefined;
  /** The turn of those who ask for results. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(items: Items[], options: MapOptions) {
    this.#items = items;
    this.#options = options;
    this.#is_over = items.length === 0;
  }

  next(): Promise<IteratorResult<R>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => {});
    return result;
  }

  async #next(): Promise<IteratorResult<R>> {
    while (this.#taken === this.#results.length) {
      if (this.#is_left) return { value: undefined, done: true };
      if (this.#error) {
        const { error } = this.#error;
        // What the iterables do wrong now comes too late.
        await this.return().catch(() => {});
        throw error;
      }
      if (!this.#is_reading) void this.#read_ahead();
      const { first } = this.#calls;
      if (first) await this.#take(first);
      else if (this.#is_over && !this.#is_reading) return { value: undefined, done: true };
      else await (this.#news = Promise.withResolvers()).promise;
    }
    this.#ahead--;
    return { value: this.#results[this.#taken++]!, done: false };
  }

  /** Takes the results of a call. */
  async #take({ call }: Submission): Promise<void> {
    try {
      if ("error" in call) throw call.error;
      const result = await call;
      if (this.#calls.next() === undefined) return;
      const { values, error } = this.#options.chunksize > 1
        ? result as ChunkResult
        : { values: [result], error: undefined };
      this.#results = values as R[];
      this.#taken = 0;
      if (error) this.#error = { error: error_of(error) };
    } catch (error) {
      this.#error = { error };
    }
  }

  /** Reads items and submits calls, as far as it may. */
  async #read_ahead(): Promise<void> {
    const { buffersize } = this.#options;
    this.#is_reading = true;
    try {
      while (!this.#is_over && this.#ahead < buffersize) {
        const chunk = await this.#read_chunk();
        if (chunk.length > 0) await this.#submit(chunk);
      }
    } catch (error) {
      this.#is_over = true;
      this.#add({ error });
    }
    this.#is_reading = false;
    this.#tell();
  }

  async #read_chunk(): Promise<unknown[][]> {
    const { chunksize, buffersize } = this.#options;
    const chunk: unknown[][] = [];
    while (!this.#is_over && chunk.length < chunksize && this.#ahead < buffersize) {
      const args = this.#read();
      const row = is_pending(args) ? await args : args;
      if (!row || this.#is_over) {
        this.#is_over = true;
        break;
      }
      this.#ahead++;
      chunk.push(row);
    }
    return chunk;
  }

  /** The next item of each iterable; nothing where one of them is at its end. */
  #read(): unknown[] | undefined | Promise<unknown[] | undefined> {
    const args: unknown[] = [];
    for (const [at, items] of this.#items.entries()) {
      const next = items.next();
      if (is_pending(next)) return this.#read_rest(args, next, at);
      if (next.done) return this.#end_others(items);
      args.push(next.value);
    }
    return args;
  }

  async #read_rest(
    args: unknown[],
    first: PromiseLike<IteratorResult<unknown>>,
    at: number,
  ): Promise<unknown[] | undefined> {
    const next = await first;
    if (next.done) return this.#end_others(this.#items[at]!);
    args.push(next.value);
    for (const items of this.#items.slice(at + 1)) {
      const next = await items.next();
      if (next.done) return this.#end_others(items);
      args.push(next.value);
    }
    return args;
  }

  /**
   * One of the iterables is at its end: the others are left, each of them.
   *
   * @throws What the first of them throws.
   */
  #end_others(ended?: Items): undefined {
    const others = this.#items.filter((items) => items !== ended);
    this.#items = [];
    this.#is_over = true;
    const errors: unknown[] = [];
    for (const items of others) {
      try {
        const left = items.return?.();
        if (is_pending(left)) may_fail(Promise.resolve(left));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  async #submit(chunk: unknown[][]): Promise<void> {
    const { fn, chunksize, submit, room } = this.#options;
    const call = chunksize > 1
      ? { fn, args: chunk, is_chunk: true }
      : { fn, args: chunk[0]!, is_chunk: false };
    for (;;) {
      if (this.#is_left) return;
      try {
        this.#add(submit(call));
        return this.#tell();
      } catch (error) {
        if (!(error instanceof Full)) throw error;
      }
      await room();
    }
  }

  #add(call: Submission["call"]): void {
    this.#calls.add({ number: this.#count++, call });
  }

  #tell(): void {
    this.#news?.resolve();
    this.#news = undefined;
  }

  // deno-lint-ignore require-await
  async return(): Promise<IteratorResult<R>> {
    this.#is_left = true;
    for (const { call } of this.#calls.clear()) if (!("error" in call)) call.cancel();
    this.#results = [];
    this.#taken = 0;
    this.#error = undefined;
    this.#tell();
    this.#end_others();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
