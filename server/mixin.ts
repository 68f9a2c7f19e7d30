/**
 * The type of a class, as mix-ins take and give it.
 *
 * @typeParam T The type of its instances.
 */
// deno-lint-ignore no-explicit-any
export type Constructor<T = object> = new (...args: any[]) => T;

/** Gives a class that a mix-in made the name under which it is exported. */
export function named<T extends Constructor>(name: string, Class: T): T {
  return Object.defineProperty(Class, "name", { value: name });
}
