/**
 * An emergency room: patients come in some order, and a queue with priorities says who is next. The most urgent one goes
 * first, and of two that are equally urgent the one who came first. What has no order is refused.
 *
 * ```sh
 * deno run examples/queue/priorities.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * Eve: TypeError
 * Cid with a heart attack
 * Bob with a broken arm
 * Dot with a broken leg
 * Ann with a cold
 * ```
 *
 * @module
 */
import { PriorityQueue } from "../../concurrency/queue/mod.ts";

interface Patient {
  name: string;
  complaint: string;
  /** 1 is the most urgent. */
  level: number;
}

const PATIENTS: Patient[] = [
  { name: "Ann", complaint: "a cold", level: 5 },
  { name: "Bob", complaint: "a broken arm", level: 3 },
  { name: "Cid", complaint: "a heart attack", level: 1 },
  { name: "Dot", complaint: "a broken leg", level: 3 },
];

const waiting = new PriorityQueue<Patient>(0, { key: ({ level }) => level });
for (const patient of PATIENTS) await waiting.put(patient);

// What has no order is refused, and the queue stays as it is.
const stranger = { name: "Eve", complaint: "a cough", level: NaN };
await waiting.put(stranger).catch((error) => console.log(`${stranger.name}: ${error.name}`));

await waiting.shutdown();
for await (const { name, complaint } of waiting) console.log(`${name} with ${complaint}`);
