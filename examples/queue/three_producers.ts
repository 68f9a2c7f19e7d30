/**
 * Three producers and three consumers: a queue with room for four. Producers wait while it is full, consumers while it is
 * empty. `join()` waits until all is done, and `shutdown()` sends the consumers home.
 *
 * ```sh
 * deno run examples/queue/three_producers.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * There is Xia's bun 1
 * … eats Xia's bun 1
 * There is Xia's bun 2
 * … eats Xia's bun 2
 * There is Xia's bun 3
 * … eats Xia's bun 3
 * There is Yan's bun 1
 * … eats Yan's bun 1
 * There is Yan's bun 2
 * … eats Yan's bun 2
 * There is Yan's bun 3
 * … eats Yan's bun 3
 * There is Zoe's bun 1
 * … eats Zoe's bun 1
 * There is Zoe's bun 2
 * … eats Zoe's bun 2
 * There is Zoe's bun 3
 * … eats Zoe's bun 3
 * All is eaten
 * Ann has eaten … and goes home
 * Bob has eaten … and goes home
 * Cid has eaten … and goes home
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Queue } from "../../concurrency/queue/mod.ts";

const counter = new Queue<string>(4);

async function bake(baker: string): Promise<void> {
  for (let number = 1; number <= 3; number++) {
    const bun = `${baker}'s bun ${number}`;
    await counter.put(bun);
    console.log(`There is ${bun}`);
  }
}

async function eat(guest: string): Promise<void> {
  let eaten = 0;
  // Until the queue is shut down and empty.
  for await (const bun of counter) {
    await delay(Math.random() * 20);
    console.log(`${guest} eats ${bun}`);
    eaten++;
    await counter.task_done();
  }
  console.log(`${guest} has eaten ${eaten} and goes home`);
}

const guests = Promise.all(["Ann", "Bob", "Cid"].map(eat));
await Promise.all(["Xia", "Yan", "Zoe"].map(bake));
await counter.join();
console.log("All is eaten");
await counter.shutdown();
await guests;
