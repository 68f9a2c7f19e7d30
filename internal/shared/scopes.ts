import { AsyncLocalStorage } from "node:async_hooks";

/** A part of a task that holds something for itself: what runs in it, and nothing else, holds it. */
export interface Scope {
  /** What is held. */
  readonly object: object;
  /** The scope in which this one was opened. */
  readonly outer: Scope | undefined;
}

const storage = new AsyncLocalStorage<Scope | undefined>();

/** The scope of an object that this runs in. */
export function scope_of(object: object): Scope | undefined {
  let scope = storage.getStore();
  while (scope && scope.object !== object) scope = scope.outer;
  return scope;
}

/** Opens a scope: gives what is to be passed to {@linkcode run_in}. */
export function new_scope(object: object): Scope {
  return { object, outer: storage.getStore() };
}

/** Runs something in a scope. */
export function run_in<T>(scope: Scope, work: () => T): T {
  return storage.run(scope, work);
}
