import { text_of } from "./error_text.ts";
import { is_pending } from "./pending.ts";
import { print } from "./standard_error.ts";

/** Calls an observer of the program. Its first error is printed, and no error of it harms anybody. */
export class ToldObserver {
  #whose: string;
  #has_failed = false;

  /** @param whose What it observes, for that. */
  constructor(whose: string) {
    this.#whose = whose;
  }

  /** @param call Calls it. A promise is not waited for. */
  tell(call: () => unknown): void {
    try {
      const told = call();
      if (is_pending(told)) told.then(undefined, this.#failed);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What fails at each event must not fill the output. */
  #failed = (error: unknown): void => {
    if (this.#has_failed) return;
    this.#has_failed = true;
    print(`The observer of ${this.#whose} failed; this is said once: ${text_of(error)}`);
  };
}
