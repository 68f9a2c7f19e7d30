import { TimeoutError } from "../../internal/shared/errors.ts";
import { current_task } from "../../internal/shared/task.ts";
import { Line } from "../../internal/shared/wait.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { error_of } from "../../internal/workers/error_image.ts";
import type { ChunkResult } from "../futures/chunk.ts";
import type { SubmitChunk } from "../futures/executor.ts";
import type { Future, FutureWaitOptions } from "../futures/future.ts";
import { Fifo } from "../queue/fifo.ts";

/** What `imap()` and `imap_unordered()` of a pool give: Python's `multiprocessing.pool.IMapIterator`. */
export interface IMapIterator<R> extends AsyncIterableIterator<R> {
  /**
   * The next result.
   *
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever. What comes later is given to the
   * next who asks.
   * @throws What its call failed with. The `next()` after that gives what comes then.
   * @throws {TimeoutError} If it takes longer.
   */
  next(timeout?: number | null | FutureWaitOptions): Promise<IteratorResult<R>>;
}

/** How an {@linkcode Imap} goes over its items. */
export interface ImapOptions {
  submit: SubmitChunk;
  chunksize: number;
  /** How many items may be read whose results were not taken. */
  ahead: number;
  /** Whether results come in the order of their items. */
  is_ordered: boolean;
}

/** What a call gave, with the number of its chunk. */
type Outcome<R> = { number: number } & ({ value: R } | { error: unknown });

/** Reads items as far ahead as it may, has a function called with them, and gives the results. */
export class Imap<R> implements IMapIterator<R> {
  /** Resolves when it reads no more. */
  readonly over: Promise<void>;
  #options: ImapOptions;
  #ahead: number;
  #is_over = Promise.withResolvers<void>();
  #is_read = false;
  /** How many items were read whose results were not taken. */
  #untaken = 0;
  #running: Set<Future<ChunkResult>> = new Set();
  /** How many chunks there were. */
  #count = 0;
  /** Which chunk comes next, where the order matters. */
  #turn = 0;
  /** What came before its turn. */
  #early: Map<number, Outcome<R>[]> = new Map();
  /** What can be taken. */
  #outcomes: Fifo<Outcome<R>> = new Fifo();
  #waits: Line<IteratorResult<R>, null> = new Line();
  /** Told when more may be read. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(items: Iterable<unknown> | AsyncIterable<unknown>, options: ImapOptions) {
    this.#options = options;
    this.#ahead = options.ahead;
    this.over = this.#is_over.promise;
    void this.#read(items);
  }

  async #read(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    const { submit, chunksize } = this.#options;
    try {
      for await (const chunk of in_chunks(items, chunksize)) {
        if (this.#is_read) return;
        void this.#run(submit(chunk), chunk.length);
        await this.#for_room();
        if (this.#is_read) return;
      }
      this.#end();
    } catch (error) {
      this.fail(error);
    }
  }

  async #for_room(): Promise<void> {
    while (!this.#is_read && this.#untaken + this.#options.chunksize > this.#ahead) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
  }

  async #run(future: Future<ChunkResult>, size: number): Promise<void> {
    const number = this.#count++;
    this.#untaken += size;
    this.#running.add(future);
    const outcomes = await outcomes_of<R>(future, number);
    // Nobody wants any more results, perhaps.
    if (!this.#running.delete(future)) return;
    // What comes after an error in its chunk is not called.
    this.#untaken -= size - outcomes.length;
    this.#arrived(number, outcomes);
  }

  #arrived(number: number, outcomes: Outcome<R>[]): void {
    this.#early.set(this.#options.is_ordered ? number : this.#turn, outcomes);
    for (let next; (next = this.#early.get(this.#turn)); this.#turn++) {
      this.#early.delete(this.#turn);
      for (const outcome of next) this.#outcomes.add(outcome);
    }
    this.#give();
  }

  next(timeout?: number | null | FutureWaitOptions): Promise<IteratorResult<R>> {
    return attempt(() => {
      const { timeout: bound, signal } = timeout_argument(timeout);
      signal?.throwIfAborted();
      const wait = this.#waits.add(null, bound, () => {
        throw new TimeoutError(`There was no result within ${bound} ms`);
      });
      this.#give();
      return current_task().follow(wait, "bring", signal);
    });
  }

  /** Gives what there is to those who wait. */
  #give(): void {
    while (this.#waits.size > 0) {
      const outcome = this.#outcomes.next();
      if (!outcome && !this.#has_ended) return;
      const [wait] = this.#waits.shift()!;
      if (!outcome) wait.grant({ value: undefined, done: true });
      else if ("error" in outcome) wait.reject(outcome.error);
      else wait.grant({ value: outcome.value, done: false });
      if (outcome) this.#untaken--;
    }
    this.#room?.resolve();
  }

  get #has_ended(): boolean {
    return this.#is_read && this.#running.size === 0;
  }

  /** Has it read on, whether results are taken or not. */
  read_all(): void {
    this.#ahead = Infinity;
    this.#room?.resolve();
  }

  /** Has it read no more: an error comes after the results of what was read. */
  fail(error: unknown): void {
    if (this.#is_read) return;
    this.#untaken++;
    this.#is_read = true;
    const number = this.#count++;
    this.#arrived(number, [{ number, error }]);
    this.#end();
  }

  return(): Promise<IteratorResult<R>> {
    for (const future of this.#running) future.cancel();
    this.#running.clear();
    this.#early.clear();
    this.#outcomes.clear();
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  #end(): void {
    this.#is_read = true;
    this.#room?.resolve();
    this.#is_over.resolve();
    this.#give();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Items in chunks, each item as the arguments of a call. */
async function* in_chunks(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  size: number,
): AsyncGenerator<[unknown][]> {
  let chunk: [unknown][] = [];
  for await (const item of items) {
    if (chunk.push([item]) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

async function outcomes_of<R>(
  future: Future<ChunkResult>,
  number: number,
): Promise<Outcome<R>[]> {
  try {
    const { values, error } = await future;
    const outcomes: Outcome<R>[] = (values as R[]).map((value) => ({ number, value }));
    if (error) outcomes.push({ number, error: error_of(error) });
    return outcomes;
  } catch (error) {
    return [{ number, error }];
  }
}
