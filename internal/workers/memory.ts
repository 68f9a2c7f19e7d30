/**
 * How much memory this worker has, in bytes.
 *
 * @param is_thread Whether it is a thread: what is resident is the whole process's then.
 */
export function own_memory(is_thread: boolean): number {
  const { rss, heapTotal, external } = Deno.memoryUsage();
  return is_thread ? heapTotal + external : rss;
}
