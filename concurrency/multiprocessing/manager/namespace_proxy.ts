import { begin, type Kind, SharedObject } from "../../../internal/shared/shared_object.ts";
import { copy_of, provide_class } from "../../../internal/shared/travel.ts";
import { ask } from "./ask.ts";
import { DictHome } from "./dict_home.ts";

const KIND: Kind = {
  file: "concurrency/multiprocessing/manager/namespace_proxy.ts",
  name: "NamespaceProxy",
};

/**
 * Names with values that several threads, processes and programs use: what `Manager.Namespace()` of Python gives.
 * Values go in and come out as copies. Calls reject with `Deno.errors.BadResource` when what made it is gone, or it was
 * withdrawn. Needs no permission.
 *
 * @typeParam T The names, with the types of their values.
 *
 * @example
 * ```ts
 * import { Manager } from "@socketserver/socketserver/multiprocessing";
 *
 * await using manager = new Manager();
 * const settings = await manager.Namespace({ depth: 3, host: "example.com" });
 * await settings.set("depth", 4);
 * console.log(await settings.get("depth")); // 4
 * ```
 */
export class NamespaceProxy<T extends object> extends SharedObject {
  /**
   * Makes a namespace, at home in this thread.
   *
   * @param values What is in it at first.
   * @throws {DOMException} If a value cannot be cloned (`DataCloneError`).
   */
  constructor(values: T = {} as T) {
    super();
    begin(this, KIND, () => new DictHome(copy_of("a value", Object.entries(values))));
  }

  /** The value of a name; `undefined` where there is none. */
  get<K extends keyof T & string>(name: K): Promise<T[K]> {
    return ask(this, "get", name);
  }

  /**
   * Sets the value of a name.
   *
   * @throws {DOMException} If it cannot be cloned (`DataCloneError`).
   */
  set<K extends keyof T & string>(name: K, value: T[K]): Promise<void> {
    return ask(this, "set", name, value);
  }

  /** Removes a name; gives whether there was one. */
  delete(name: keyof T & string): Promise<boolean> {
    return ask(this, "delete", name);
  }

  /** Whether there is a name. */
  has(name: keyof T & string): Promise<boolean> {
    return ask(this, "has", name);
  }
}

provide_class(KIND, NamespaceProxy);
