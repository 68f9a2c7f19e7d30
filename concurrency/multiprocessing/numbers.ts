import {
  begin,
  type Kind,
  LocalCore,
  type RemoteCore,
  type SharedObject,
} from "../../internal/shared/shared_object.ts";
import { current_task } from "../../internal/shared/task.ts";
import { attempt_later } from "../../internal/shared/waits.ts";
import { check_names } from "../../internal/runtime/check_names.ts";
import { Lock } from "../threading/lock.ts";
import { RLock } from "../threading/rlock.ts";
import {
  type Bits,
  type NumberFor,
  type NumberOf,
  NumberType,
  type TypeCode,
} from "./number_type.ts";
import { Cells, type DescribedNumbers, type NumbersFixed, NumbersHome } from "./numbers_home.ts";

/** What a `Value` and an `Array` can be told. */
export interface NumbersOptions {
  /**
   * What `get_lock()` gives: an `RLock` of its own, a lock that there is, or with `false` none.
   *
   * @default {true}
   */
  lock?: boolean | Lock | RLock;
}

/** Numbers as a thread or process reaches them: in memory that it shares with their home, or by calls. */
export class Numbers<C extends TypeCode> {
  readonly length: number;
  readonly type: NumberType<C>;
  #core: LocalCore<NumbersHome> | RemoteCore;
  /** The memory, where it is shared. */
  #cells: Cells<C> | undefined;
  #lock: Lock | RLock | null;
  /** Whether the function of an update runs. */
  #is_updating = false;

  constructor(core: LocalCore<NumbersHome> | RemoteCore) {
    const { code, length, lock } = core.fixed as NumbersFixed;
    this.#core = core;
    this.#lock = lock;
    this.length = length;
    if (core instanceof LocalCore) {
      this.#cells = core.home.cells as Cells<C>;
      this.type = this.#cells.type;
    } else {
      const { memory } = core.described as DescribedNumbers;
      this.type = new NumberType(code as C);
      if (memory) this.#cells = new Cells(this.type, memory);
    }
  }

  get_lock(): Lock | RLock {
    if (this.#lock) return this.#lock;
    throw new TypeError("There is no lock: it was made with { lock: false }");
  }

  /** A change in the function of an update would have it called again, and again. */
  #change<T>(in_memory: (cells: Cells<C>) => T, by_call: () => Promise<T>): Promise<T> {
    if (!this.#is_updating) return this.#do(in_memory, by_call);
    return attempt_later(() => {
      throw new TypeError("The function of update() cannot change the number: it returns it");
    });
  }

  /** Does something with the memory where it is here, else by a call. */
  #do<T>(in_memory: (cells: Cells<C>) => T, by_call: () => Promise<T>): Promise<T> {
    return attempt_later(async () => {
      current_task().check();
      this.#core.check();
      return this.#cells ? in_memory(this.#cells) : await by_call();
    });
  }

  async load(at: number): Promise<NumberOf<C>> {
    const bits = await this.#do(
      (cells) => cells.load(at),
      () => this.#core.call<Bits>("load", [at]),
    );
    return this.type.number_of(bits);
  }

  store(at: number, number: NumberFor<C>): Promise<void> {
    return this.#change(
      (cells) => cells.store(at, this.type.bits_of(number)),
      () => this.#core.call("store", [at, this.type.bits_of(number)]),
    );
  }

  async add(at: number, number: NumberFor<C>): Promise<NumberOf<C>> {
    const bits = await this.#change(
      (cells) => cells.replace(at, (bits) => this.type.sum_of(bits, number)),
      () => this.#core.call<Bits>("add", [at, number]),
    );
    return this.type.number_of(bits);
  }

  async update(
    at: number,
    fn: (number: NumberOf<C>) => NumberFor<C>,
  ): Promise<NumberOf<C>> {
    const next = (bits: Bits) => {
      this.#is_updating = true;
      try {
        return this.type.bits_of(fn(this.type.number_of(bits)));
      } finally {
        this.#is_updating = false;
      }
    };
    const bits = await this.#change((cells) => cells.replace(at, next), () => this.#swap(at, next));
    return this.type.number_of(bits);
  }

  /** What is made of a number is stored where nobody has stored anything meanwhile; else it is made again. */
  async #swap(at: number, next: (bits: Bits) => Bits): Promise<Bits> {
    for (let bits = await this.#core.call<Bits>("load", [at]);;) {
      const replaced = next(bits);
      const found = await this.#core.call<Bits>("swap", [at, bits, replaced]);
      if (found === bits) return replaced;
      bits = found;
    }
  }

  async slice(start: number, end: number): Promise<NumberOf<C>[]> {
    const bits = await this.#do(
      (cells) => cells.slice(start, end),
      () => this.#core.call<Bits[]>("slice", [start, end]),
    );
    return bits.map((one) => this.type.number_of(one));
  }

  assign(start: number, numbers: NumberFor<C>[]): Promise<void> {
    const bits = () => numbers.map((number) => this.type.bits_of(number));
    return this.#change(
      (cells) => bits().forEach((one, index) => cells.store(start + index, one)),
      () => this.#core.call("assign", [start, bits()]),
    );
  }
}

/**
 * Makes what is behind a `Value` or an `Array`.
 *
 * @param first Gives how many numbers there are, or what they are at first.
 */
export function begin_numbers<C extends TypeCode>(
  object: SharedObject,
  kind: Kind,
  code: C,
  options: NumbersOptions,
  first: () => number | Iterable<NumberFor<C>>,
): Numbers<C> {
  const core = begin(object, kind, () => {
    check_names(options, ["lock"]);
    const { lock = true } = options;
    if (typeof lock !== "boolean" && !(lock instanceof Lock || lock instanceof RLock)) {
      throw new TypeError(
        `Cannot use lock = ${Deno.inspect(lock)}: it must be a boolean, or a lock`,
      );
    }
    return new NumbersHome(new NumberType(code), first(), lock);
  });
  return new Numbers(core);
}
