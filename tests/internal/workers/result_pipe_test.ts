import { assertEquals } from "@std/assert";
import type net from "node:net";
import { PassThrough } from "node:stream";
import { PoolPipe } from "../../../internal/workers/result_pipe.ts";
import { turn } from "../../fixtures/tools/waiting.ts";

/** The pool's end of a pipe, and what is written at the other one. */
function pool_end(): {
  pipe: PoolPipe;
  other: PassThrough;
  recalled: number[];
  unread: unknown[];
} {
  const other = Object.assign(new PassThrough(), { unref() {} });
  const pipe = new PoolPipe(other as unknown as net.Socket);
  const [recalled, unread]: [number[], unknown[]] = [[], []];
  pipe.listen(() => {}, (first) => recalled.push(first), (error) => unread.push(error));
  return { pipe, other, recalled, unread };
}

/** What the pool takes when so many messages have come. */
function taken(pipe: PoolPipe, received: number): [number, unknown][] {
  const results: [number, unknown][] = [];
  pipe.take(received, (job, value) => results.push([job, value]));
  return results;
}

Deno.test("PoolPipe: results come in their order, once, however they are cut", async () => {
  const { pipe, other } = pool_end();
  const bytes = new TextEncoder().encode('[1,0]\n[2,0,null]\n[3,0,"ä🦕\\ud800"]\n[4,0,-1.5]\n');
  for (const byte of bytes) other.write(Uint8Array.of(byte));
  await turn();
  assertEquals(taken(pipe, 0), [[1, undefined], [2, null], [3, "ä🦕\ud800"], [4, -1.5]]);
  assertEquals(taken(pipe, 0), []);
  other.destroy();
});

Deno.test("PoolPipe.take() leaves what came after a message that has not come", async () => {
  const { pipe, other } = pool_end();
  other.write("[1,0,1]\n[2,1,2]\n[3,1,3]\n");
  await turn();
  assertEquals(taken(pipe, 0), [[1, 1]]);
  assertEquals(taken(pipe, 1), [[2, 2], [3, 3]]);
  other.destroy();
});

Deno.test("PoolPipe tells which claims are void, and what makes no sense", async () => {
  const { pipe, other, recalled, unread } = pool_end();
  other.write("[1,0,1]\n17\n");
  await turn();
  assertEquals([taken(pipe, 0), recalled], [[[1, 1]], [17]]);
  other.write("what a task wrote there\n");
  await turn();
  other.write("x".repeat(1000));
  await turn();
  assertEquals(unread.map((error) => (error as Error).name), ["SyntaxError", "RangeError"]);
  other.destroy();
});
