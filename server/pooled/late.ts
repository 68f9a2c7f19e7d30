/**
 * What is loaded when a server with workers starts to serve, and not with the library. Each worker imports the library,
 * too, with the module of its handlers, and none needs this; a server without workers does not, either.
 *
 * @module
 */

/** What runs requests in the workers of a pool. */
export function load_runner(): Promise<typeof import("./pooled_runner.ts")> {
  return import("./pooled_runner.ts");
}

/** What starts workers that are threads. */
export async function load_threads(): Promise<
  & typeof import("../../internal/workers/thread_host.ts")
  & typeof import("../../internal/workers/cloning.ts")
> {
  return {
    ...await import("../../internal/workers/thread_host.ts"),
    ...await import("../../internal/workers/cloning.ts"),
  };
}

/** What starts workers that are child processes. */
export async function load_processes(): Promise<
  & typeof import("../../internal/workers/process_host.ts")
  & typeof import("../../internal/workers/child_command.ts")
  & typeof import("../../internal/workers/cloning.ts")
> {
  return {
    ...await import("../../internal/workers/process_host.ts"),
    ...await import("../../internal/workers/child_command.ts"),
    ...await import("../../internal/workers/cloning.ts"),
  };
}
