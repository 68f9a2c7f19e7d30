/**
 * The signals that would end a child process, and that its server may listen for: the server decides
 * what they mean, and when its children end. They reach a whole process group, or a whole terminal.
 */
export const IGNORED_SIGNALS: Partial<Record<Deno.Signal, string>> = {
  SIGABRT: "a watchdog's; `abort()` ends a process that listens for it all the same",
  SIGALRM: "a timer's",
  SIGBREAK: "Ctrl-Break on a terminal of Windows",
  SIGHUP: "the terminal is gone, or the configuration is to be read again",
  SIGINT: "Ctrl-C on a terminal",
  SIGIO: "a descriptor is ready",
  SIGPROF: "a profiler's timer",
  SIGPWR: "the power fails",
  SIGQUIT: "Ctrl-\\ on a terminal, or a stop in good order",
  SIGSTKFLT: "nobody's, so that a program may give it a meaning",
  SIGTERM: "a polite end",
  SIGUSR1: "what the program makes of it; Deno itself opens a debugger, if it has run for a while",
  SIGUSR2: "what the program makes of it",
  SIGVTALRM: "a timer of CPU time",
};

/*
 * The others stay as they are. SIGSYS, SIGTRAP, SIGXCPU and SIGXFSZ say that this very process has
 * gone wrong, and must end it. SIGTSTP, SIGTTIN and SIGTTOU only stop a process, and the terminal stops
 * and continues all of a group together. SIGCHLD, SIGCONT, SIGPIPE, SIGURG and SIGWINCH end nothing.
 */

/** Has this process live on when one of them comes, but for those that are named. */
export function ignore_signals(...others: Deno.Signal[]): void {
  for (const signal of Object.keys(IGNORED_SIGNALS) as Deno.Signal[]) {
    if (!others.includes(signal)) ignore(signal);
  }
}

function ignore(signal: Deno.Signal): void {
  try {
    Deno.addSignalListener(signal, () => {});
  } catch (error) {
    // The system has no signal of this name.
    if (!(error instanceof TypeError)) throw error;
  }
}
