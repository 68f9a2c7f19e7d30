import type net from "node:net";
import process from "node:process";
import { prepare_for_process } from "./cloning.ts";
import { seal, unseal } from "./envelope.ts";
import { Hearing } from "./hearing.ts";
import { type ChildStart, READ, TAKEN, type ToWorker, UNHEARD } from "./messages.ts";
import { ChildPipe, RECALLER } from "./result_pipe.ts";
import { Unsent } from "./unsent.ts";
import { WorkerSide } from "./worker_side.ts";

/**
 * Run in a thread of its own: ends this process when its parent has ended, also where what it runs
 * never lets go and keeps the event loop from noticing. What that has started ends so, too, a while later.
 * (The parent is asked for here: the thread may start when it is gone.)
 */
const WATCHDOG = `
  setInterval(() => {
    if (Deno.ppid !== ${Deno.ppid}) Deno.kill(Deno.pid, "SIGKILL");
  }, 400);
  ${RECALLER}
`;

/** Lives as a worker of the process that has started this one, and not longer than that. */
export function live_as_child(): void {
  // The parent has ended.
  process.on("disconnect", () => process.exit());
  const watchdog = new Worker(`data:text/javascript,${encodeURIComponent(WATCHDOG)}`, {
    type: "module",
  });
  process.once("message", ({ mark, folder, has_pipe }: ChildStart) => {
    const pipe = has_pipe ? new ChildPipe() : undefined;
    if (pipe) watchdog.postMessage(pipe.claims.memory);
    const unsent = new Unsent();
    const send = (content: unknown) => {
      unsent.add();
      process.send!(seal(mark, content), unsent.done);
    };
    const hearing = new Hearing(() => side.calls.echo(), () => process.exit(UNHEARD));
    const side = new WorkerSide({
      shares_memory: false,
      ...(pipe && { pipe }),
      sent: () => unsent.sent,
      post: (messages) => {
        messages.forEach(prepare_for_process);
        send(messages);
        // Memory is said again in a moment: to ask about that, too, would end a child that works while the
        // program is blocked.
        if (messages.some(({ type }) => type !== "memory")) hearing.said();
      },
      on_messages: (receive, unread) => {
        process.on("message", (message: unknown, connection?: net.Socket) => {
          const content = unseal(mark, message) as ToWorker[] | typeof READ | undefined;
          if (content === undefined) return;
          if (content === READ) return send(READ);
          if (connection) send(TAKEN);
          receive(content, connection);
        });
        process.on("error", unread);
      },
    });
    if (folder !== undefined) Deno.chdir(folder);
  });
}
