import { not_copied, SHARED, sharing } from "../workers/sharing.ts";
import { call_home, type Home, withdrawn } from "./home.ts";
import { hub } from "./hub.ts";
import type { Link } from "./link.ts";
import type { Owner } from "./owner.ts";
import { current_task, type WaitKind } from "./task.ts";
import { Wait } from "./wait.ts";

/** Which class an object has: by its file from the root of this package, and its name there. */
export interface Kind {
  file: string;
  name: string;
}

/** How a call waits. */
export interface Waits {
  kind: WaitKind;
  signal?: AbortSignal | undefined;
}

/** What is behind a shared object: its home, or the way there. */
export abstract class Core {
  readonly kind: Kind;

  constructor(kind: Kind) {
    this.kind = kind;
  }

  /** What it is called in messages. */
  get noun(): string {
    return this.kind.name;
  }

  /** What never changes about the object, wherever it is at home. */
  abstract readonly fixed: unknown;
  /** Calls a method. */
  abstract call<T>(method: string, args: unknown[], waits?: Waits): Promise<T>;
  /** Refuses to go on where the object is no more. */
  abstract check(): void;
  /** Withdraws the object. */
  abstract withdraw(): void;
  /** Called when it is withdrawn. */
  #watchers: ((reason: Error) => void)[] = [];

  /** Has a function called when it is withdrawn. */
  when_withdrawn(call: (reason: Error) => void): void {
    this.#watchers.push(call);
  }

  /** It is withdrawn. */
  is_withdrawn(reason: Error): void {
    for (const call of this.#watchers.splice(0)) call(reason);
  }

  /** Has reports of it go to whose it is, which knows it by a name. */
  adopt(_name: string, _report: (error: Error) => void): void {}
}

/** The object is at home here. */
export class LocalCore<H extends Home = Home> extends Core {
  readonly home: H;
  #withdrawn: Error | undefined;

  constructor(kind: Kind, home: H) {
    super(kind);
    this.home = home;
  }

  get fixed(): unknown {
    return this.home.fixed;
  }

  call<T>(method: string, args: unknown[], waits?: Waits): Promise<T> {
    const task = current_task();
    try {
      task.check();
      waits?.signal?.throwIfAborted();
      const result = this.call_as(method, task.owner, args);
      if (!(result instanceof Wait)) return Promise.resolve(result as T);
      const { kind = "bring", signal } = waits ?? {};
      result.on_over(() => {
        if (!result.error) result.receive();
      });
      return task.follow(result as Wait<T>, kind, signal);
    } catch (error) {
      task.note(error);
      return Promise.reject(error);
    }
  }

  check(): void {
    if (this.#withdrawn) throw this.#withdrawn;
  }

  /** Calls a method for somebody. */
  call_as(method: string, owner: Owner, args: unknown[]): unknown {
    this.check();
    return call_home(this.home, method, owner, args);
  }

  override adopt(name: string, report: (error: Error) => void): void {
    this.home.name = name;
    this.home.report = report;
    if (this.home.part) core_of(this.home.part).adopt(name, report);
  }

  withdraw(): void {
    if (this.#withdrawn) return;
    this.#withdrawn = withdrawn(this.noun);
    this.home.withdraw(this.#withdrawn);
    // Who still holds it loses nothing any more.
    this.home.report = () => {};
    this.home.part?.[Symbol.dispose]();
    this.is_withdrawn(this.#withdrawn);
    hub.withdraw(this);
  }
}

/** The object is at home elsewhere. */
export class RemoteCore extends Core {
  readonly link: Link;
  readonly id: number | string;
  /** What its home says of it to this agent. */
  readonly described: unknown;
  readonly fixed: unknown;
  #withdrawn: Error | undefined;

  constructor(
    kind: Kind,
    link: Link,
    id: number | string,
    { described, fixed }: { described?: unknown; fixed?: unknown } = {},
  ) {
    super(kind);
    this.link = link;
    this.id = id;
    this.described = described;
    this.fixed = fixed;
  }

  check(): void {
    if (this.#withdrawn) throw this.#withdrawn;
    this.link.check();
  }

  override is_withdrawn(reason: Error): void {
    this.#withdrawn = reason;
    super.is_withdrawn(reason);
  }

  call<T>(method: string, args: unknown[], waits?: Waits): Promise<T> {
    const task = current_task();
    try {
      task.check();
      this.check();
      waits?.signal?.throwIfAborted();
      const call = this.link.call<T>(this.id, method, task, args);
      return task.follow(call, waits?.kind ?? "turn", waits?.signal);
    } catch (error) {
      task.note(error);
      return Promise.reject(error);
    }
  }

  withdraw(): void {
    this.link.withdraw(this.id);
  }
}

/** What an object does when it has come to this thread: see {@linkcode SharedObject}. */
export const arrived: unique symbol = Symbol("arrived");

/**
 * An object that several threads and processes use: a lock, a semaphore, an event, a queue. As a field of a server,
 * handlers have it as `this.server.FIELD` in all ways of running; it can be an argument or a result of a server's
 * method, and an item of a queue, too. See `./threading` and `./queue`.
 */
export abstract class SharedObject implements Disposable {
  /** What is behind it. */
  declare readonly [SHARED]: unknown;

  /**
   * Called when it, or what stands for it, has come to this thread in a message. What it gives takes its place.
   *
   * @ignore
   */
  [arrived]?(): object | void;

  /**
   * Withdraws the object, for all who use it: what waits for it rejects with `Deno.errors.BadResource`, and
   * so does what comes later.
   */
  [Symbol.dispose](): void {
    core_of(this).withdraw();
  }

  /** What `console.log()` shows of it: what is in it may be elsewhere. */
  [Symbol.for("Deno.customInspect")](): string {
    return `${this.constructor.name} {}`;
  }
}

/** What is behind a shared object. */
export function core_of(object: SharedObject): Core {
  return object[SHARED] as Core;
}

/** What the next object stands for, while it is made. */
let opening: RemoteCore | undefined;

/**
 * Puts what is behind it into a new object: its home, or the way there.
 *
 * @param object The object.
 * @param kind Which class it has.
 * @param make_home Makes what it is at home.
 * @param warns Whether it is worth a warning that a worker makes it while it loads a module.
 */
export function begin<H extends Home>(
  object: SharedObject,
  kind: Kind,
  make_home: () => H,
  warns = true,
): LocalCore<H> | RemoteCore {
  const core = opening ?? new LocalCore(kind, make_home());
  opening = undefined;
  if (core instanceof LocalCore && warns) warn_while_loading(kind);
  Object.defineProperty(object, SHARED, { value: core });
  // A function cannot be cloned: where no handle takes its place, that says so.
  Object.defineProperty(object, "not copied", { value: not_copied, enumerable: true });
  return core;
}

/** A class of shared objects, as it is found by its kind. */
export type SharedClass = new (...args: never[]) => SharedObject;

/** Makes what stands for an object that is at home elsewhere. */
export function open(Class: SharedClass, core: RemoteCore): SharedObject {
  opening = core;
  return new Class();
}

const warned = new Set<string>();

/** Each worker that loads a module has its own copy of what the module makes. */
function warn_while_loading({ name }: Kind): void {
  if (!sharing.is_loading || warned.has(name)) return;
  warned.add(name);
  const or_named = name === "Lock" ? ", or take Lock.named()" : "";
  console.warn(
    `A ${name} is made while a worker loads a module: each worker gets one of its own. Make it a field of ` +
      `the server, which handlers have as this.server, or an argument of the thread${or_named}`,
  );
}
