/** How many descriptors a worker takes; Deno panics where one that starts finds none. */
const WORKER_DESCRIPTORS = 8;
/** How many more there must be: connections come while it starts. */
const SPARE_DESCRIPTORS = 8;

/** How many descriptors must be left for so many workers to be started. */
export function descriptors_for(workers: number): number {
  return workers * WORKER_DESCRIPTORS + SPARE_DESCRIPTORS;
}

/** The error where they are not. */
export function too_few_descriptors(workers: number): Error {
  const message = `Too many open files: ${workers} workers take ${WORKER_DESCRIPTORS} each`;
  return Object.assign(new Error(message), { code: "EMFILE" });
}
