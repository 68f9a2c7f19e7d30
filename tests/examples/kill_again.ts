import type { Program } from "../fixtures/programs/programs.ts";
import { is_pending } from "../fixtures/tools/waiting.ts";

/** Signals a program until it has ended: signals that come soon after the first one change nothing. */
export async function kill_again({ child }: Program, signal: Deno.Signal): Promise<void> {
  while (await is_pending(child.status, 100)) {
    try {
      child.kill(signal);
    } catch {
      // It has just ended.
    }
  }
}
