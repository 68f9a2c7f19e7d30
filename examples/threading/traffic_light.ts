/**
 * A traffic light and six cars: an event is the green light. Cars wait while it is red. It prints when the
 * light changes, and which cars stop and drive.
 *
 * ```sh
 * deno run examples/threading/traffic_light.ts
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

async function light(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    console.log("The light is red");
    await green.clear();
    await delay(100);
    console.log("The light is green");
    await green.set();
    await delay(100);
  }
}

async function traffic(): Promise<void> {
  const cars: Promise<void>[] = [];
  for (let number = 1; number <= 6; number++) {
    cars.push(drive(`Car ${number}`));
    await delay(60);
  }
  await Promise.all(cars);
}

await Promise.all([light(), traffic()]);
