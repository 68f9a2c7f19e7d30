/** How many results there is room for, a power of two: more than a worker is given jobs at once. */
const PLACES = 64;
/** The bytes of a place, and of the header before the first. */
const SIZE = 256;
/** In a place, as integers: the job, what came before it, the kind, and the length of a text; then the value. */
const [JOB, AFTER, KIND, LENGTH] = [0, 1, 2, 3];
const VALUE = 16;
/** The most characters of a text. */
const MAX_LENGTH = (SIZE - VALUE) / 2;

/** In the header, as integers: how many results were put in, and taken, and whether the pool was called. */
const [PUT, TAKEN, CALLED] = [0, 1, 2];

/** What is told by its kind alone. */
const CONSTANTS: readonly unknown[] = [undefined, null, false, true];
const NUMBER = CONSTANTS.length;
const TEXT = NUMBER + 1;

/**
 * Short results, in memory that a worker shares with the pool's thread: a message for each would cost more
 * than a short job. None waits for what the worker does next, and none is lost, however that ends.
 */
export class ResultBox {
  readonly memory: SharedArrayBuffer;
  #integers: Int32Array;
  #numbers: Float64Array;
  #texts: Uint16Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer((1 + PLACES) * SIZE)) {
    this.memory = memory;
    this.#integers = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
    this.#texts = new Uint16Array(memory);
  }

  /**
   * Puts a result in (worker).
   *
   * @param job The number of its job.
   * @param after How many messages the worker has sent before.
   * @returns Whether it has got a place: not if it is long, or an object.
   */
  put(job: number, after: number, value: unknown): boolean {
    const integers = this.#integers;
    const at = integers[PUT]!;
    const kind = kind_of(value);
    if (kind < 0 || ((at - Atomics.load(integers, TAKEN)) | 0) >= PLACES) return false;
    const place = place_of(at);
    const head = place / 4;
    integers[head + JOB] = job;
    integers[head + AFTER] = after;
    integers[head + KIND] = kind;
    if (kind === NUMBER) this.#numbers[(place + VALUE) / 8] = value as number;
    else if (kind === TEXT) this.#write(place, value as string);
    Atomics.store(integers, PUT, (at + 1) | 0);
    return true;
  }

  /** Whether the pool must be called: it was not, since it last said so (worker). */
  must_call(): boolean {
    return Atomics.exchange(this.#integers, CALLED, 1) === 0;
  }

  /** Says that the pool is to be called for what is put in from now on (pool). */
  await_call(): void {
    Atomics.store(this.#integers, CALLED, 0);
  }

  /**
   * Takes results out (pool).
   *
   * @param received How many messages have come: what was put in after the next one stays.
   * @param give Called with each.
   * @returns How many: so many at the most as there are places.
   */
  take(received: number, give: (job: number, value: unknown) => void): number {
    const integers = this.#integers;
    for (let taken = 0; taken < PLACES; taken++) {
      const at = integers[TAKEN]!;
      const place = place_of(at);
      const head = place / 4;
      if (at === Atomics.load(integers, PUT) || integers[head + AFTER]! > received) return taken;
      const [job, value] = [integers[head + JOB]!, this.#read(place, integers[head + KIND]!)];
      Atomics.store(integers, TAKEN, (at + 1) | 0);
      give(job, value);
    }
    return PLACES;
  }

  #write(place: number, text: string): void {
    this.#integers[place / 4 + LENGTH] = text.length;
    const first = (place + VALUE) / 2;
    for (let at = 0; at < text.length; at++) this.#texts[first + at] = text.charCodeAt(at);
  }

  #read(place: number, kind: number): unknown {
    if (kind < NUMBER) return CONSTANTS[kind];
    if (kind === NUMBER) return this.#numbers[(place + VALUE) / 8];
    const first = (place + VALUE) / 2;
    const end = first + this.#integers[place / 4 + LENGTH]!;
    return String.fromCharCode(...this.#texts.subarray(first, end));
  }
}

/** Where the bytes of a place begin. */
function place_of(at: number): number {
  return (1 + (at & (PLACES - 1))) * SIZE;
}

/** The kind of a value; -1 for one that is not put in. */
function kind_of(value: unknown): number {
  if (typeof value === "number") return NUMBER;
  if (typeof value === "string") return value.length <= MAX_LENGTH ? TEXT : -1;
  return CONSTANTS.indexOf(value);
}
