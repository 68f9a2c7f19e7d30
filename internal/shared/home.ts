import { text_of } from "../runtime/error_text.ts";
import type { Agent, Owner } from "./owner.ts";
import type { SharedObject } from "./shared_object.ts";

/** What a shared object is in its home thread: its state, and what may be done with it. */
export interface Home {
  /** The names of the methods that others may call. Each gets who calls it, and what was given. */
  readonly methods: ReadonlySet<string>;
  /** What it is called in reports. */
  name?: string;
  /** Where reports go; to standard error unless told. */
  report?: (error: Error) => void;
  /** What never changes: a stub of it has that, too. It can be cloned. */
  readonly fixed?: unknown;
  /** An object that it has made for itself: it is reported as this one, and withdrawn with it. */
  readonly part?: SharedObject | undefined;
  /** What else a stub needs to know, which is not the same for all agents: it can be cloned. */
  describe?(agent: Agent): unknown;
  /** An agent that knew of it is no more. */
  agent_ended?(agent: Agent): void;
  /** It is withdrawn: what waits for it rejects. */
  withdraw(reason: Error): void;
}

/** Calls a method of an object at its home. */
export function call_home(home: Home, method: string, owner: Owner, args: unknown[]): unknown {
  if (!home.methods.has(method)) throw new TypeError(`There is no method ${method} to be called`);
  return Reflect.apply(Reflect.get(home, method), home, [owner, ...args]);
}

/** Reports what happened to a shared object, and belongs to no call. */
export function report_of(home: Home, error: Error): void {
  if (home.report) home.report(error);
  else console.error(text_of(error));
}

/** The error of what is used after it was withdrawn. */
export function withdrawn(what: string): Error {
  return new Deno.errors.BadResource(
    `Cannot use the ${what}: it was withdrawn, or its home has ended`,
  );
}
