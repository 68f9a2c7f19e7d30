import { error_of } from "../../internal/workers/error_image.ts";
import type { ChunkResult } from "../futures/chunk.ts";
import type { SubmitChunk } from "../futures/executor.ts";
import type { Future } from "../futures/future.ts";

/**
 * Has all calls of a map made, so many in a task.
 *
 * @returns The results in the order of the calls, when all tasks are over.
 * @throws What the first task failed with that did.
 */
export async function map_result<R>(
  calls: unknown[][],
  chunksize: number,
  submit: SubmitChunk,
): Promise<R[]> {
  const futures: Future<ChunkResult>[] = [];
  for (let at = 0; at < calls.length; at += chunksize) {
    futures.push(submit(calls.slice(at, at + chunksize)));
  }
  let failure: { error: unknown } | undefined;
  const chunks = await Promise.all(futures.map(async (future) => {
    try {
      const { values, error } = await future;
      if (error) throw error_of(error);
      return values as R[];
    } catch (error) {
      failure ??= { error };
      return [];
    }
  }));
  if (failure) throw failure.error;
  return chunks.flat(1) as R[];
}
