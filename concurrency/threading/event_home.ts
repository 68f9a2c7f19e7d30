import type { Home } from "../../internal/shared/home.ts";
import { Line, type Wait } from "../../internal/shared/wait.ts";

/** An event in its home thread. */
export class EventHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["is_set", "set", "clear", "wait"]);
  #is_set = false;
  #line: Line<boolean, null> = new Line();

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
  }

  wait(_owner: unknown, timeout: number | null): Wait<boolean> | boolean {
    if (this.#is_set) return true;
    if (timeout === 0) return false;
    return this.#line.add(null, timeout, () => false);
  }

  withdraw(reason: Error): void {
    for (const wait of this.#line.clear()) wait.reject(reason);
  }
}
