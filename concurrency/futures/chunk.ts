import { type ErrorImage, image_of } from "../../internal/workers/error_image.ts";
import type { TaskFunction } from "./submitted.ts";

/** What the calls of a chunk gave, up to the first that failed. */
export interface ChunkResult {
  values: unknown[];
  error?: ErrorImage;
}

/** Calls a function with the arguments of each call of a chunk, one after the other. */
export async function run_chunk(fn: TaskFunction, calls: readonly unknown[]): Promise<ChunkResult> {
  const values: unknown[] = [];
  try {
    for (const args of calls) values.push(await fn(...args as never[]));
  } catch (error) {
    return { values, error: image_of(error) };
  }
  return { values };
}
