/**
 * How numbers are stored, by Python's typecodes, with their sizes on a 64-bit Linux: `b` and `B` have 8 bits, `h` and
 * `H` 16, `i` and `I` 32, `l`, `L`, `q` and `Q` 64; those in upper case have no sign. `f` is a float of 32 bits, `d` a double.
 */
export type TypeCode = "b" | "B" | "h" | "H" | "i" | "I" | "l" | "L" | "q" | "Q" | "f" | "d";

/** What is read of a type: numbers of 64 bits are `bigint`, others `number`. */
export type NumberOf<C extends TypeCode> = C extends "l" | "L" | "q" | "Q" ? bigint : number;

/** What can be written: a whole `number` will do for a `bigint`. */
export type NumberFor<C extends TypeCode> = NumberOf<C> | number;

/** The memory of numbers as atomic operations take it. */
type Raw =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

interface RawClass {
  new (memory: ArrayBufferLike): Raw;
  readonly BYTES_PER_ELEMENT: number;
}

/** How whole numbers are stored. */
const WHOLE: Record<string, RawClass> = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: BigInt64Array,
  L: BigUint64Array,
  q: BigInt64Array,
  Q: BigUint64Array,
};

/** How floats are stored: as whole numbers with the same bits, so that they can be swapped. */
const FLOAT: Record<string, [RawClass, Float32ArrayConstructor | Float64ArrayConstructor]> = {
  f: [Int32Array, Float32Array],
  d: [BigInt64Array, Float64Array],
};

/** Stored numbers, as they are compared and swapped. */
export type Bits = number | bigint;

/** How the numbers of a typecode are read and written. */
export class NumberType<C extends TypeCode = TypeCode> {
  readonly code: C;
  readonly Raw: RawClass;
  #is_signed: boolean;
  #is_big: boolean;
  /** One float, and its bits. */
  #float: Float32Array | Float64Array | undefined;
  #bits: Raw | undefined;

  /**
   * @throws {TypeError} If there is no such type.
   */
  constructor(code: C) {
    const [Raw, Float] = FLOAT[code] ?? [WHOLE[code]];
    if (!Raw || typeof code !== "string") {
      const codes = [...Object.keys(WHOLE), ...Object.keys(FLOAT)].join(" ");
      throw new TypeError(`Cannot use the typecode ${Deno.inspect(code)}: there are ${codes}`);
    }
    this.code = code;
    this.Raw = Raw;
    this.#is_signed = code === code.toLowerCase();
    this.#is_big = !Float && Raw.BYTES_PER_ELEMENT === 8;
    if (!Float) return;
    this.#float = new Float(1);
    this.#bits = new Raw(this.#float.buffer);
  }

  /** The number of some bits. */
  number_of(bits: Bits): NumberOf<C> {
    if (!this.#float) return bits as NumberOf<C>;
    this.#bits![0] = bits;
    return this.#float[0] as NumberOf<C>;
  }

  /**
   * The bits of a number.
   *
   * @throws {TypeError} If it has another type.
   * @throws {RangeError} If it is not whole where it must be, or out of the range.
   */
  bits_of(number: unknown): Bits {
    this.#check_type(number);
    if (this.#float) return this.#float_bits(number as number);
    if (typeof number === "number" && !Number.isInteger(number)) {
      throw new RangeError(`Cannot store ${number} as "${this.code}": it must be a whole number`);
    }
    if (!this.#is_big) return this.#checked(Number(number));
    const big = BigInt(number);
    const kept = this.#is_signed ? BigInt.asIntN(64, big) : BigInt.asUintN(64, big);
    if (kept !== big) throw this.#out_of_range(number);
    return big;
  }

  /**
   * The sum of two numbers.
   *
   * @throws What {@linkcode NumberType.bits_of} throws.
   */
  sum_of(bits: Bits, number: unknown): Bits {
    this.#check_type(number);
    if (this.#is_big) return this.bits_of(bits as bigint + BigInt(number));
    return this.bits_of(this.number_of(bits) as number + Number(number));
  }

  #check_type(number: unknown): asserts number is number | bigint {
    if (typeof number === "number" || (this.#is_big && typeof number === "bigint")) return;
    const what = this.#is_big ? "bigint or number" : "number";
    throw new TypeError(
      `Cannot store ${Deno.inspect(number)} as "${this.code}": it must be a ${what}`,
    );
  }

  #float_bits(number: number): Bits {
    this.#float![0] = number;
    if (Number.isFinite(number) && !Number.isFinite(this.#float![0])) {
      throw this.#out_of_range(number);
    }
    return this.#bits![0]!;
  }

  #checked(number: number): number {
    const all = 2 ** (8 * this.Raw.BYTES_PER_ELEMENT);
    const least = this.#is_signed ? -all / 2 : 0;
    if (number < least || number >= least + all) throw this.#out_of_range(number);
    return number;
  }

  #out_of_range(number: Bits): Error {
    return new RangeError(`Cannot store ${number} as "${this.code}": it is out of its range`);
  }
}
