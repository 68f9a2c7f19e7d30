/**
 * What makes handlers: a subclass of `BaseRequestHandler`, or any class with its constructor and its
 * `run()`.
 */
export interface RequestHandlerConstructor {
  /** Makes the handler of one request. */
  // deno-lint-ignore no-explicit-any
  new (request: any, client_address: any, server: any): { run(): void | Promise<void> };
  /** See `BaseRequestHandler.module`. */
  module?: string;
}
