/**
 * A traffic light and eight cars: an event is the green light. Cars wait while it is red.
 *
 * ```sh
 * deno run examples/threading/traffic_light.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * The light is red
 * Car 1 stops
 * Car 2 stops
 * The light is green
 * Car 1 drives on
 * Car 2 drives on
 * Car 3 drives on
 * Car 4 drives on
 * The light is red
 * Car 5 stops
 * Car 6 stops
 * The light is green
 * Car 5 drives on
 * Car 6 drives on
 * Car 7 drives on
 * Car 8 drives on
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

const green = new threading.Event();

async function drive(car: string): Promise<void> {
  if (!await green.is_set()) console.log(`${car} stops`);
  await green.wait();
  console.log(`${car} drives on`);
}

const cars: Promise<void>[] = [];
for (const color of ["red", "green", "red", "green"]) {
  console.log(`The light is ${color}`);
  await (color === "green" ? green.set() : green.clear());
  await delay(50);
  for (const _of_two of [1, 2]) cars.push(drive(`Car ${cars.length + 1}`));
  await delay(50);
}
await Promise.all(cars);
