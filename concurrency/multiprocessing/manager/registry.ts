import { types } from "node:util";
import { is_shared } from "../../../internal/workers/sharing.ts";
import { core_of, LocalCore, type SharedObject } from "../../../internal/shared/shared_object.ts";
import { ObjectProxy } from "./object_proxy.ts";

/** What a name is registered with. */
export interface Registered {
  /** Gives what is asked for; not needed by clients. */
  callable?: ((...args: never[]) => unknown) | undefined;
  /** The methods of an object of a class of yours that others may call. */
  exposed?: readonly string[] | undefined;
}

/** What a class of managers serves, by its names: with that of its superclass. */
export class Registry {
  #own: Map<string, Registered> = new Map();
  #outer: Registry | undefined;
  /** What stands for objects that were given once. */
  #proxies: WeakMap<object, ObjectProxy> = new WeakMap();

  /** @param outer That of the superclass. */
  constructor(outer?: Registry) {
    this.#outer = outer;
  }

  /** Registers a name, or registers it anew. */
  add(name: string, registered: Registered): void {
    this.#own.set(name, registered);
  }

  /** The names that it gives something for. */
  get names(): string[] {
    const own = [...this.#own].filter(([, { callable }]) => callable).map(([name]) => name);
    return [...new Set([...own, ...this.#outer?.names ?? []])];
  }

  /** What a name is registered with, here or there. */
  find(name: string): Registered | undefined {
    return this.#own.get(name) ?? this.#outer?.find(name);
  }

  /**
   * What clients call: an object with a method a name.
   *
   * @param report Gets what is to be reported of the shared objects that are given.
   */
  served(report: (error: Error) => void): ObjectProxy {
    const { names } = this;
    const target = Object.fromEntries(
      names.map((name) => [name, (...args: never[]) => this.#give(name, args, report)]),
    );
    return new ObjectProxy(target, names);
  }

  async #give(name: string, args: never[], report: (error: Error) => void): Promise<unknown> {
    const { callable, exposed } = this.find(name)!;
    const result = await callable!(...args);
    if (typeof result !== "object" || result === null) return result;
    if (is_shared(result as unknown)) {
      adopt(result as SharedObject, `${name}()`, report);
      return result;
    }
    if (exposed) return this.#proxy_of(result, exposed);
    if (!is_of_own_class(result)) return result;
    throw new TypeError(
      `${name}() gives an object of the class ${result.constructor.name}: ` +
        "register it with `exposed`, the names of the methods that may be called",
    );
  }

  #proxy_of(object: object, exposed: readonly string[]): ObjectProxy {
    let proxy = this.#proxies.get(object);
    if (!proxy) this.#proxies.set(object, proxy = new ObjectProxy(object, exposed));
    return proxy;
  }
}

/** Objects whose reports go to the manager's server that gave them last. */
const adopted = new WeakSet<SharedObject>();

/** Has an object reported as what it was given by, unless it is a field of a server. */
function adopt(object: SharedObject, name: string, report: (error: Error) => void): void {
  const core = core_of(object);
  if (!(core instanceof LocalCore) || (core.home.report && !adopted.has(object))) return;
  adopted.add(object);
  core.adopt(name, report);
}

/** Whether the object is of a class that neither JavaScript nor Deno has. */
function is_of_own_class(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return Object.prototype.toString.call(object) === "[object Object]" && prototype !== null &&
    prototype !== Object.prototype && !types.isProxy(object);
}
