/**
 * What a new {@linkcode Process} is told.
 *
 * @typeParam A The types of the target's arguments.
 */
export type ProcessOptions<A extends unknown[] = []> =
  & {
    /** What it calls. */
    target?: (...args: A) => unknown;
    /**
     * What it is called.
     *
     * @default {"Process-5"; in a process of a process "Process-5:1"}
     */
    name?: string;
    /**
     * Whether the program may end while it is alive: it is ended then. It may not start processes of its own.
     *
     * @default {false}
     */
    daemon?: boolean;
    /**
     * The URL of the module that exports the target, where `target.module` does not say so: `import.meta.url`, mostly.
     *
     * @default {the program's main module}
     */
    module?: string;
  }
  & ([] extends A ? {
      /** The target's arguments. */
      args?: Readonly<NoInfer<A>>;
    }
    : {
      /** The target's arguments. */
      args: Readonly<NoInfer<A>>;
    });
