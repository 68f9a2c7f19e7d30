/**
 * Students that each thread has for itself: with `local()`, functions that are called need no argument to know whose turn
 * it is.
 *
 * ```sh
 * deno run examples/threading/students.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * Hello, Alice (in Thread-A)
 * Hello, Bob (in Thread-B)
 * The main thread has nobody
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

const school = threading.local<{ student: string }>();

async function greet_student(): Promise<void> {
  // Others set theirs meanwhile.
  await delay(10);
  console.log(`Hello, ${school.student} (in ${threading.current_thread().name})`);
}

async function process_student(name: string): Promise<void> {
  school.student = name;
  await greet_student();
}

const threads = [
  new threading.AsyncThread({ target: process_student, args: ["Alice"], name: "Thread-A" }),
  new threading.AsyncThread({ target: process_student, args: ["Bob"], name: "Thread-B" }),
];
for (const thread of threads) await thread.start();
for (const thread of threads) await thread.join();
console.log(`The main thread has ${school.student ?? "nobody"}`);
