import type { Home } from "../../internal/shared/home.ts";
import { Line, type Wait } from "../../internal/shared/wait.ts";

/** An event in its home thread. */
export class EventHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["is_set", "set", "clear", "wait", "cleared"]);
  #is_set = false;
  #line: Line<boolean, null> = new Line();
  /** Who waits until it is cleared. */
  #clearing: Line<void, null> = new Line();

  is_set(): boolean {
    return this.#is_set;
  }

  /** Wakes all who wait, even if it is cleared at once. */
  set(): void {
    this.#is_set = true;
    for (const wait of this.#line.clear()) wait.grant(true);
  }

  clear(): void {
    this.#is_set = false;
    for (const wait of this.#clearing.clear()) wait.grant();
  }

  /** Waits until it is cleared. */
  cleared(): Wait<void> | void {
    if (this.#is_set) return this.#clearing.add(null, null, () => {});
  }

  wait(_owner: unknown, timeout: number | null): Wait<boolean> | boolean {
    if (this.#is_set) return true;
    if (timeout === 0) return false;
    return this.#line.add(null, timeout, () => false);
  }

  withdraw(reason: Error): void {
    for (const line of [this.#line, this.#clearing]) {
      for (const wait of line.clear()) wait.reject(reason);
    }
  }
}
