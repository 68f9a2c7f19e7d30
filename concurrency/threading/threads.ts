import { type BaseThread, living_threads, main_thread, own_thread } from "./base_thread.ts";

/**
 * The threads that are alive, as far as this one knows: the main one, this one, and those that were started from this
 * one. Python's `threading.enumerate()`.
 */
export function enumerate(): BaseThread[] {
  return [...new Set([main_thread(), own_thread(), ...living_threads()])];
}

/** How many threads {@linkcode enumerate} gives: Python's `threading.active_count()`. */
export function active_count(): number {
  return enumerate().length;
}
