/**
 * What items are put in order by: numbers and `bigint`, strings (by their codes), dates, and arrays of these, which
 * are compared item by item, as Python's tuples are. What stands at the same place of two arrays has one type.
 */
export type Priority = number | bigint | string | Date | readonly Priority[];

/** How the items of a queue are put in order. */
export interface Order {
  /**
   * What an item is compared by.
   *
   * @throws {TypeError} If it cannot be compared.
   */
  rank(item: unknown): unknown;
  /** Less than 0 if the first of two goes first; 0, or `NaN`, for ties. */
  compare(rank: unknown, other: unknown): number;
}

/** By what a function gives for each item. */
export class ByKey implements Order {
  #key: (item: unknown) => unknown;
  /** That of the priorities so far: what was taken may come back. */
  #type: Type | undefined;

  constructor(key: (item: unknown) => unknown) {
    this.#key = key;
  }

  rank(item: unknown): unknown {
    const priority = this.#key(item);
    this.#type = common_type(this.#type, priority);
    return copy_of(priority as Priority);
  }

  compare(rank: unknown, other: unknown): number {
    return compare(rank as Rank, other as Rank);
  }
}

/** By what a function says of two items. */
export class ByComparison implements Order {
  #compare: (item: unknown, other: unknown) => unknown;

  constructor(compare: (item: unknown, other: unknown) => unknown) {
    this.#compare = compare;
  }

  /** An item that cannot be compared cannot be compared with itself, either. */
  rank(item: unknown): unknown {
    const order = this.#compare(item, item);
    if (typeof order === "number" && !Number.isNaN(order)) return item;
    throw new TypeError(
      `Cannot compare ${Deno.inspect(item)}: compare() gave ${Deno.inspect(order)}, not a number`,
    );
  }

  /** What cannot be compared after all goes in the order in which it came: an item in the queue is not lost. */
  compare(rank: unknown, other: unknown): number {
    try {
      return Number(this.#compare(rank, other));
    } catch {
      return 0;
    }
  }
}

/** The type of priorities; of arrays, that of each place. */
type Type = "a number" | "a string" | "a Date" | Type[];

/** The type that a priority has together with those before. */
function common_type(type: Type | undefined, priority: unknown): Type {
  if (!Array.isArray(priority)) return same_type(type, priority, single_type(priority));
  if (typeof type === "string") throw incomparable(priority, type);
  const types = [...type ?? []];
  for (const [at, item] of priority.entries()) types[at] = common_type(types[at], item);
  return types;
}

function same_type(type: Type | undefined, priority: unknown, its_type: Type): Type {
  if (type === undefined || type === its_type) return its_type;
  throw incomparable(priority, typeof type === "string" ? type : "an array");
}

function single_type(priority: unknown): Type {
  if (typeof priority === "string") return "a string";
  if (typeof priority === "bigint") return "a number";
  if (typeof priority === "number" && !Number.isNaN(priority)) return "a number";
  if (priority instanceof Date && !Number.isNaN(priority.getTime())) return "a Date";
  throw new TypeError(
    `Cannot use ${
      Deno.inspect(priority)
    } as a priority: it must be a number, a bigint, a string, ` +
      "a Date or an array of these; give the queue a key, or compare, for other items",
  );
}

function incomparable(priority: unknown, type: string): TypeError {
  return new TypeError(
    `Cannot compare ${Deno.inspect(priority)} with the priorities before it: it must be ${type}`,
  );
}

/** A priority of which nobody else has a part, so that it stays as it is. */
type Rank = number | bigint | string | Rank[];

function copy_of(priority: Priority): Rank {
  if (priority instanceof Date) return priority.getTime();
  return typeof priority === "object" ? priority.map(copy_of) : priority;
}

function compare(rank: Rank, other: Rank): number {
  if (typeof rank !== "object") return rank < other ? -1 : rank > other ? 1 : 0;
  const others = other as Rank[];
  const length = Math.min(rank.length, others.length);
  for (let at = 0; at < length; at++) {
    const order = compare(rank[at]!, others[at]!);
    if (order !== 0) return order;
  }
  return rank.length - others.length;
}
