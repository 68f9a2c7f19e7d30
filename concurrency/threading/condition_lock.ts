import type { Held } from "./lock_line.ts";

/** What a `Condition` does with its lock, and nobody else may. */
export interface ConditionLock<L> {
  /** Whether what runs now holds the lock. */
  is_owned(lock: L): boolean;
  /**
   * Gives the lock back wholly, for a while: says as what it was held.
   *
   * @throws {TypeError} If it is not held, or only the caller of a method could give it back.
   */
  let_go(lock: L): Held;
  /** Takes the lock again as that. */
  take_back(lock: L, held: Held): Promise<void>;
}

type LockClass<L> = abstract new (...args: never[]) => L;

const classes = new Map<LockClass<object>, ConditionLock<never>>();

/** Says how a `Condition` uses locks of a class. */
export function provide_condition_lock<L extends object>(
  Class: LockClass<L>,
  how: ConditionLock<L>,
): void {
  classes.set(Class, how);
}

/**
 * How a `Condition` uses a lock.
 *
 * @throws {TypeError} If it is none.
 */
export function condition_lock_of(lock: object): ConditionLock<object> {
  for (const [Class, how] of classes) if (lock instanceof Class) return how;
  throw new TypeError(`Cannot use ${Deno.inspect(lock)} as the lock of a Condition`);
}
