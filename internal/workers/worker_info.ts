/** What `info()` tells about a worker: a thread, or a child process. */
export interface WorkerInfo {
  /** A number, never used twice. */
  id: number;
  /** What it is doing: only a worker that is `"ready"` is given requests, or tasks. */
  state: "starting" | "ready" | "ended";
  /** Requests or tasks that it has now. */
  active: number;
  /** Requests or tasks that it has handled. */
  completed: number;
  /** When it was started, as `Date.now()` gives it. */
  since: number;
  /** How many were in its place before it, and died, were killed, or were replaced. */
  restarts: number;
  /** How long ago it was started, in ms. */
  age: number;
  /**
   * How much memory it had when it last said so, in bytes: when it was ready, each second while it does
   * something, and once more after that. Of a thread: its heap and its buffers, as all else is the process's. Of a child process: what the
   * system counts as resident. `undefined` until it is ready.
   */
  memory: number | undefined;
  /** The number of its process, where it is a child process. */
  pid?: number;
}
