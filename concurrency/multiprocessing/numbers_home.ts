import type { Home } from "../../internal/shared/home.ts";
import type { Agent } from "../../internal/shared/owner.ts";
import type { SharedObject } from "../../internal/shared/shared_object.ts";
import { RLock } from "../threading/rlock.ts";
import type { Lock } from "../threading/lock.ts";
import type { Bits, NumberType, TypeCode } from "./number_type.ts";

/** Numbers in memory that threads share. */
export class Cells<C extends TypeCode = TypeCode> {
  readonly type: NumberType<C>;
  readonly memory: SharedArrayBuffer;
  #raw: Int32Array;

  /** @param memory What another thread has, or how many numbers there are. */
  constructor(type: NumberType<C>, memory: SharedArrayBuffer | number) {
    this.type = type;
    this.memory = typeof memory === "number"
      ? new SharedArrayBuffer(memory * type.Raw.BYTES_PER_ELEMENT)
      : memory;
    // One of the classes that atomic operations take; their types know no union of them.
    this.#raw = new type.Raw(this.memory) as Int32Array;
  }

  load(at: number): Bits {
    return Atomics.load(this.#raw, at);
  }

  store(at: number, bits: Bits): void {
    Atomics.store(this.#raw, at, bits as number);
  }

  /** Stores bits if those are there that are expected; gives what was there. */
  swap(at: number, expected: Bits, next: Bits): Bits {
    return Atomics.compareExchange(this.#raw, at, expected as number, next as number);
  }

  /** Replaces a number by what is made of it; gives what is there then. */
  replace(at: number, next: (bits: Bits) => Bits): Bits {
    for (let bits = this.load(at);;) {
      const replaced = next(bits);
      const found = this.swap(at, bits, replaced);
      if (found === bits) return replaced;
      bits = found;
    }
  }

  /** Copies of some of them. */
  slice(start: number, end: number): Bits[] {
    const bits: Bits[] = [];
    for (let at = start; at < end; at++) bits.push(this.load(at));
    return bits;
  }
}

/** What never changes about numbers. */
export interface NumbersFixed {
  code: TypeCode;
  length: number;
  lock: Lock | RLock | null;
}

/** What others know of them: the memory, where they share it. */
export interface DescribedNumbers {
  memory?: SharedArrayBuffer;
}

/** Numbers at home. */
export class NumbersHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "load",
    "store",
    "swap",
    "add",
    "slice",
    "assign",
  ]);
  readonly fixed: NumbersFixed;
  readonly part: SharedObject | undefined;
  readonly cells: Cells;

  /**
   * @throws {TypeError} If a number has another type.
   * @throws {RangeError} If one is out of the range, or their count is not a whole number from 0.
   */
  constructor(
    type: NumberType,
    first: number | Iterable<unknown>,
    lock: boolean | Lock | RLock,
  ) {
    const bits = typeof first === "number" ? [] : [...first].map((one) => type.bits_of(one));
    const length = typeof first === "number" ? first : bits.length;
    if (!(Number.isSafeInteger(length) && length >= 0)) {
      throw new RangeError(`Cannot make ${length} numbers: it must be a whole number from 0`);
    }
    this.cells = new Cells(type, length);
    this.assign(null, 0, bits);
    this.part = lock === true ? new RLock() : undefined;
    const its_lock = typeof lock === "boolean" ? this.part as RLock | undefined : lock;
    this.fixed = { code: type.code, length, lock: its_lock ?? null };
  }

  describe({ shares_memory }: Agent): DescribedNumbers {
    return shares_memory ? { memory: this.cells.memory } : {};
  }

  load(_owner: unknown, at: number): Bits {
    return this.cells.load(at);
  }

  store(_owner: unknown, at: number, bits: Bits): void {
    this.cells.store(at, bits);
  }

  swap(_owner: unknown, at: number, expected: Bits, next: Bits): Bits {
    return this.cells.swap(at, expected, next);
  }

  add(_owner: unknown, at: number, number: unknown): Bits {
    return this.cells.replace(at, (bits) => this.cells.type.sum_of(bits, number));
  }

  slice(_owner: unknown, start: number, end: number): Bits[] {
    return this.cells.slice(start, Math.min(end, this.fixed.length));
  }

  assign(_owner: unknown, start: number, bits: Bits[]): void {
    bits.forEach((one, index) => this.cells.store(start + index, one));
  }

  withdraw(): void {}
}
