/**
 * Refuses options that nothing would look at, as Python does with unexpected keyword arguments.
 *
 * @throws {TypeError} If it is no plain object, or has an unknown name.
 */
export function check_names(options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || options instanceof EventTarget) {
    throw new TypeError(`Cannot use ${Deno.inspect(options)} as options: they must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`Cannot use the option "${name}": there is no option of this name`);
  }
}
