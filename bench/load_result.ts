/** What a load generator prints, as JSON: see the top of load.c. */
export interface LoadResult {
  mode: string;
  errors: number;
  /** The datagrams that were sent again, where there are datagrams. */
  lost?: number;
  /** These are of the modes that measure for a time. */
  messages?: number;
  seconds?: number;
  per_second?: number;
  p50_us?: number;
  p99_us?: number;
  /** Of a burst. */
  all_answered_ms?: number;
  /** Of bulk. */
  mib_per_second?: number;
  /** The processor time of the server for each message, connect or MiB, where it can be told. */
  cpu_us?: number;
}
