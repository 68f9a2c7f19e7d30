/** What `info()` tells about a worker: a thread, or a child process. */
export interface WorkerInfo {
  /** A number, never used twice. */
  id: number;
  /** What it is doing: only a worker that is `"ready"` is given requests. */
  state: "starting" | "ready" | "ended";
  /** Requests it is handling now. */
  active: number;
  /** Requests it has handled. */
  completed: number;
  /** The number of its process, where it is a child process. */
  pid?: number;
}
