import { is_pending } from "../../../internal/runtime/pending.ts";
import type { Home } from "../../../internal/shared/home.ts";
import type { Owner } from "../../../internal/shared/owner.ts";
import { begin, core_of, type Kind, SharedObject } from "../../../internal/shared/shared_object.ts";
import { provide_class } from "../../../internal/shared/travel.ts";
import { Wait } from "../../../internal/shared/wait.ts";

const KIND: Kind = {
  file: "concurrency/multiprocessing/manager/object_proxy.ts",
  name: "ObjectProxy",
};

/**
 * What stands for an object of a class of yours, in other programs: it has those of its methods that are exposed.
 *
 * @typeParam T The class.
 * @typeParam K The names of the exposed methods.
 */
export type Proxied<T, K extends keyof T> =
  & Disposable
  & {
    [P in K]: T[P] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>>
      : never;
  };

/** An object with some of its methods, in its home thread. */
class ObjectHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["call"]);
  readonly fixed: readonly string[];
  #target: object;

  constructor(target: object, exposed: readonly string[]) {
    this.#target = target;
    this.fixed = exposed;
  }

  /** Calls a method that is exposed. */
  call(_owner: Owner, name: string, args: unknown[]): unknown {
    if (!this.fixed.includes(name)) throw new TypeError(`There is no method ${name} to be called`);
    const result = Reflect.apply(Reflect.get(this.#target, name), this.#target, args);
    if (!is_pending(result)) return result;
    const wait = new Wait();
    result.then((value) => wait.grant(value), (error) => wait.reject(error));
    return wait;
  }

  withdraw(): void {}
}

/** An object that others call by the methods that are exposed. */
export class ObjectProxy extends SharedObject {
  /**
   * @param target The object.
   * @param exposed The names of the methods.
   */
  constructor(target: object, exposed: readonly string[]) {
    super();
    const core = begin(this, KIND, () => new ObjectHome(target, exposed));
    for (const name of core.fixed as string[]) {
      const value = (...args: unknown[]) => this.call(name, args);
      Object.defineProperty(this, name, { value });
    }
  }

  /** Calls a method. */
  call(name: string, args: unknown[]): Promise<unknown> {
    return core_of(this).call("call", [name, args], { kind: "bring" });
  }
}

provide_class(KIND, ObjectProxy);
