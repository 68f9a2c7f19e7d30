/** What a load generator prints, as JSON: see the top of load.c. */
export interface LoadResult {
  mode: string;
  messages: number;
  seconds: number;
  per_second: number;
  errors: number;
  p50_us: number;
  p99_us: number;
}
