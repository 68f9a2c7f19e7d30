/**
 * Three toilets and seven guests: a semaphore has as many permits as there are toilets. It tells how many are taken when a
 * guest goes in and comes out: never more than three.
 *
 * ```sh
 * deno run examples/threading/toilets.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * Ann goes in: … taken
 * Ann comes out: … taken
 * Bob goes in: … taken
 * Bob comes out: … taken
 * Cid goes in: … taken
 * Cid comes out: … taken
 * Dot goes in: … taken
 * Dot comes out: … taken
 * Eve goes in: … taken
 * Eve comes out: … taken
 * Fay goes in: … taken
 * Fay comes out: … taken
 * Gus goes in: … taken
 * Gus comes out: … taken
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
