/**
 * Methods that take a lock, and a method that takes it and calls them: a till whose lock can be taken again by who has it.
 * With a `Lock` the third one would wait for itself for ever. Never more is given out than there is.
 *
 * ```sh
 * deno run examples/threading/nested_locks.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * 10 in the till
 * Ann gives 5 for 3
 * 15 in the till
 * 13 in the till
 * Ann gets 2
 * Bob gives 20 for 4
 * 33 in the till
 * 17 in the till
 * Bob gets 16
 * Cid gives 50 for 7
 * 67 in the till
 * 24 in the till
 * Cid gets 43
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

class Till {
  #lock = new threading.RLock();
  #amount = 0;

  /** Puts something in. The drawer is slow. */
  add(amount: number): Promise<void> {
    return this.#lock.run(async () => {
      const before = this.#amount;
      await delay(5);
      this.#amount = before + amount;
      console.log(`${this.#amount} in the till`);
    });
  }

  /** Takes something out, if there is enough. */
  take(amount: number): Promise<boolean> {
    return this.#lock.run(async () => {
      if (this.#amount < amount) return false;
      await this.add(-amount);
      return true;
    });
  }

  /** Takes what somebody gives, and gives change: both, with nobody in between. */
  async sell(guest: string, price: number, given: number): Promise<void> {
    await this.#lock.run(async () => {
      console.log(`${guest} gives ${given} for ${price}`);
      await this.add(given);
      if (await this.take(given - price)) return console.log(`${guest} gets ${given - price}`);
      await this.take(given);
      console.log(`${guest} gets all back: there is no change`);
    });
  }
}

const till = new Till();
await till.add(10);
// They come at once, and one after the other.
await Promise.all([till.sell("Ann", 3, 5), till.sell("Bob", 4, 20), till.sell("Cid", 7, 50)]);
