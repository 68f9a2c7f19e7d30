/** What a load generator prints, as JSON: see the top of load.c. */
export interface LoadResult {
  mode: string;
  messages: number;
  seconds: number;
  per_second: number;
  errors: number;
  /** The datagrams that were sent again, where there are datagrams. */
  lost?: number;
  p50_us: number;
  p99_us: number;
}
