import { error_type_of } from "../runtime/error_names.ts";
import type { EndReason, WorkerEnd } from "./worker_handle.ts";
import type { WorkerInfo } from "./worker_info.ts";

/** A worker was started: it is not ready yet. */
export interface WorkerStarted {
  /** What happened. */
  type: "worker.start";
  /** The number of the worker in its server or executor. */
  worker: number;
  /** The number of its process, where it is a child process. */
  pid?: number;
}

/** A worker has ended. */
export interface WorkerStopped {
  /** What happened. */
  type: "worker.stop";
  /** The number of the worker in its server or executor. */
  worker: number;
  /** The number of its process, where it is a child process. */
  pid?: number;
  /** Why. */
  reason: EndReason;
  /** How many requests, or tasks that it had begun, ended with it. */
  lost: number;
  /** How long it was there, in ms. */
  duration: number;
  /** What it said at its end; `null` where it was ended. */
  exitcode: number | null;
  /** The signal that ended a process. */
  signal: string | null;
  /** The name of the class of the error for which it was killed, or died. */
  error_type?: string;
}

/** What is told of a worker that was started. */
export function worker_started({ id, pid }: WorkerInfo): WorkerStarted {
  return { type: "worker.start", worker: id, ...(pid && { pid }) };
}

/** What is told of a worker that has ended. */
export function worker_stopped({ id, pid, age }: WorkerInfo, end: WorkerEnd): WorkerStopped {
  const { reason, lost, exit } = end;
  return {
    type: "worker.stop",
    worker: id,
    ...(pid && { pid }),
    reason,
    lost,
    duration: age,
    ...exit,
    ...(is_unexpected(end) && { error_type: error_type_of(end.cause) }),
  };
}

/** Whether a worker has ended for an error. */
export function is_unexpected({ reason }: WorkerEnd): boolean {
  return reason === "killed" || reason === "died";
}
