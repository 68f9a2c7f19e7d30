/**
 * How many cores this machine gives to the program, as Python's `multiprocessing.cpu_count()`.
 *
 * @returns At least 1.
 */
export function cpu_count(): number {
  return navigator.hardwareConcurrency;
}
