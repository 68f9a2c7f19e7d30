/**
 * Three toilets and seven guests: a semaphore has as many permits as there are toilets. It prints who
 * goes in and comes out, and how many toilets are taken then: never more than three.
 *
 * ```sh
 * deno run examples/threading/toilets.ts
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

const GUESTS = ["Ann", "Bob", "Cid", "Dot", "Eve", "Fay", "Gus"];

const toilets = new threading.BoundedSemaphore(3);
let taken = 0;

async function visit(guest: string): Promise<void> {
  // The permit goes back at the end of the block, whatever happens in it.
  using _place = await toilets.hold();
  console.log(`${guest} goes in: ${++taken} taken`);
  await delay(10 + Math.random() * 40);
  console.log(`${guest} comes out: ${--taken} taken`);
}

await Promise.all(GUESTS.map(visit));
