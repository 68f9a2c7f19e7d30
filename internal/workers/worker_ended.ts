/** How a thread or a process came to its end by itself; both are `null` where it did not. */
export interface Exit {
  exitcode: number | null;
  /** The signal that ended a process. */
  signal: string | null;
}

/** A job's worker ended before the job was done. */
export class WorkerEnded extends Error {
  override name = "WorkerEnded";
  readonly exit: Exit;

  constructor(message: string, exit: Exit, options: ErrorOptions | undefined) {
    super(message, options);
    this.exit = exit;
  }
}

/** Of one that did not end by itself. */
export const NO_EXIT: Exit = { exitcode: null, signal: null };
