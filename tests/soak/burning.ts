/** What a server of the fire has besides: objects that its handlers share, and an account. */
import type { BaseServer, Constructor } from "../../mod.ts";
import type { Executor } from "../../concurrency/futures/mod.ts";
import { Value } from "../../concurrency/multiprocessing/mod.ts";
import { Queue } from "../../concurrency/queue/mod.ts";
import { Lock, Semaphore } from "../../concurrency/threading/mod.ts";
import { Account } from "./account.ts";

/** How many items the queue has room for that the server itself empties. */
const ROOM = 2;
/** How many handlers of a server may be in its room. */
export const PERMITS = 2;

/** What {@linkcode Burning} adds to a server. */
export interface BurningMembers {
  readonly account: Account;
  /** What handlers put and take. An item comes back from a handler that is lost. */
  jobs: Queue<number>;
  /** What handlers put, and the server gets. */
  line: Queue<number>;
  lock: Lock;
  room: Semaphore;
  counter: Value<"i">;
  /** Where handlers have tasks run. */
  pool: Executor;
  /** What the lock guards. */
  value(): number;
  set_value(value: number): void;
  /** Puts a job a while later. */
  feed(job: number, ms: number): void;
}

/** A server as its handlers see it. */
export type BurningServer = BaseServer & BurningMembers;

/** A server that keeps account, and shares all that can be shared. */
export function Burning<T extends Constructor<BaseServer>>(
  Base: T,
): T & Constructor<BurningMembers> {
  return class extends Base {
    readonly account = new Account();
    jobs = new Queue<number>(0, { max_deliveries: Infinity });
    line = new Queue<number>(ROOM);
    lock = new Lock();
    room = new Semaphore(PERMITS);
    counter = new Value("i");
    declare pool: Executor;
    #value = 0;

    // deno-lint-ignore no-explicit-any
    constructor(...args: any[]) {
      super(...args);
      this.observer = this.account.observer;
    }

    value(): number {
      return this.#value;
    }

    set_value(value: number): void {
      this.#value = value;
    }

    feed(job: number, ms: number): void {
      setTimeout(() => void this.jobs.put(job), ms);
    }

    override handle_error(_request: unknown, _address: unknown, error: unknown): void {
      this.account.failed(error);
    }
  };
}
