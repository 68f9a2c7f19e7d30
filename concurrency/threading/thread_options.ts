import { check_names } from "../../internal/runtime/check_names.ts";
import { type BaseThread, current_thread } from "./base_thread.ts";
import { type LifeState, set_state, type Startable } from "./startable.ts";

/**
 * What a new {@linkcode AsyncThread} is told.
 *
 * @typeParam A The types of the target's arguments.
 */
export type AsyncThreadOptions<A extends unknown[] = []> =
  & {
    /** What it calls. */
    target?: (...args: A) => unknown;
    /**
     * What it is called.
     *
     * @default {"Thread-5 (target)", with the target's name}
     */
    name?: string;
    /**
     * Whether the program may end while it is alive.
     *
     * @default {as the thread that makes it}
     */
    daemon?: boolean;
  }
  & ([] extends A ? {
      /** The target's arguments. */
      args?: Readonly<NoInfer<A>>;
    }
    : {
      /** The target's arguments. */
      args: Readonly<NoInfer<A>>;
    });

/**
 * What a new {@linkcode Thread} is told.
 *
 * @typeParam A The types of the target's arguments.
 */
export type ThreadOptions<A extends unknown[] = []> = AsyncThreadOptions<A> & {
  /**
   * The URL of the module that exports the target, where `target.module` does not say so: `import.meta.url`, mostly.
   *
   * @default {the program's main module}
   */
  module?: string;
};

/** The options in any case. */
export interface AnyThreadOptions {
  target?: (...args: never[]) => unknown;
  args?: readonly unknown[];
  name?: string;
  daemon?: boolean;
  module?: string;
}

/**
 * Says what there is to know of a new thread.
 *
 * @param thread The thread.
 * @param prefix What its name begins with.
 * @param options What it was told.
 * @param more Names of options beyond those of all threads.
 * @throws {TypeError} If an option has another type, or an unknown name.
 */
export function new_thread_state(
  thread: BaseThread,
  prefix: string,
  options: AnyThreadOptions,
  more: string[] = [],
): void {
  const { target } = options;
  const suffix = target?.name ? ` (${target.name})` : "";
  new_state(thread, options, more, {
    noun: "thread",
    // As Python gives it: `Thread-5 (target)`.
    name: () => `${prefix}-${next_number(prefix)}${suffix}`,
    daemon: current_thread().daemon,
  });
}

const NAMES = ["target", "args", "name", "daemon"];

/**
 * Says what there is to know of a new thread or process.
 *
 * @param it The thread or process.
 * @param options What it was told.
 * @param more Names of options beyond those of all.
 * @param unless_told What it is unless told.
 * @throws {TypeError} If an option has another type, or an unknown name.
 */
export function new_state(
  it: Startable,
  options: AnyThreadOptions,
  more: string[],
  unless_told: { noun: LifeState["noun"]; name(): string; daemon: boolean },
): void {
  check_names(options, [...NAMES, ...more]);
  const { target, args = [] } = options;
  if (target !== undefined && typeof target !== "function") {
    throw new TypeError(`Cannot call ${Deno.inspect(target)}: the target must be a function`);
  }
  check_args(args);
  const work = target && (() => target(...args as never[]));
  const { noun } = unless_told;
  const { name = unless_told.name(), daemon = unless_told.daemon } = options;
  set_state(it, { noun, name: String(name), daemon: Boolean(daemon), work });
}

const numbers = new Map<string, number>();

/** The next number of a kind. */
export function next_number(kind: string): number {
  const number = (numbers.get(kind) ?? 0) + 1;
  numbers.set(kind, number);
  return number;
}

/** @throws {TypeError} If it is no array. */
export function check_args(args: unknown): void {
  if (Array.isArray(args)) return;
  throw new TypeError(`Cannot use args = ${Deno.inspect(args)}: they must be an array`);
}
