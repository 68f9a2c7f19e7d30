import { current_task, program, type Task } from "../../internal/shared/task.ts";

/**
 * An object whose attributes each thread has for itself: Python's `threading.local()`. They belong to the task that
 * sets them, and survive its `await`s: a {@linkcode Thread}, an {@linkcode AsyncThread}, the handler of one request.
 * What a task has not set itself it reads as it was set outside of any task in the same thread or worker: defaults,
 * for example, that a module sets when it is loaded.
 *
 * @returns The object. Each thread starts without attributes, so each of them may be `undefined`.
 * @typeParam T What attributes there are.
 *
 * @example Two that do not disturb each other
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const data = threading.local<{ name: string }>();
 *
 * async function greet(name: string): Promise<void> {
 *   data.name = name;
 *   await new Promise((resolve) => setTimeout(resolve, 10));
 *   console.log(`hello ${data.name}`);
 * }
 *
 * const threads = ["Alice", "Bob"].map((name) =>
 *   new threading.AsyncThread({ target: greet, args: [name] })
 * );
 * for (const thread of threads) await thread.start();
 * for (const thread of threads) await thread.join();
 * ```
 */
export function local<T extends object>(): Partial<T> {
  const outside: object = Object.create(null);
  const tasks = new WeakMap<Task, object>();
  const here = () => {
    const task = current_task();
    if (task === program) return outside;
    let values = tasks.get(task);
    if (!values) tasks.set(task, values = Object.create(outside) as object);
    return values;
  };
  return new Proxy({}, {
    get: (_, name) => Reflect.get(here(), name),
    set: (_, name, value) => Reflect.set(here(), name, value),
    has: (_, name) => Reflect.has(here(), name),
    deleteProperty: (_, name) => Reflect.deleteProperty(here(), name),
    ownKeys: () => [...new Set([...Reflect.ownKeys(here()), ...Reflect.ownKeys(outside)])],
    getOwnPropertyDescriptor: (_, name) =>
      Reflect.getOwnPropertyDescriptor(here(), name) ??
        Reflect.getOwnPropertyDescriptor(outside, name),
    defineProperty: (_, name, descriptor) =>
      Reflect.defineProperty(here(), name, { ...descriptor, configurable: true }),
    getPrototypeOf: () => null,
  }) as Partial<T>;
}
