/** @throws {TypeError} If it is there, and no function. */
export function check_function(name: string, fn: unknown): void {
  if (fn === undefined || typeof fn === "function") return;
  throw new TypeError(`Cannot use ${name} = ${Deno.inspect(fn)}: it must be a function`);
}
