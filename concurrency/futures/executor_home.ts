import type { Home } from "../../internal/shared/home.ts";
import type { Owner } from "../../internal/shared/owner.ts";
import { Wait } from "../../internal/shared/wait.ts";
import type { TaskPlace } from "./current_task.ts";
import type { Call } from "./submitted.ts";
import { task_settings, type TaskOptions } from "./task_options.ts";
import type { Tasks } from "./tasks.ts";

/** An executor where it was made: tasks that have it as an argument submit others. */
export class ExecutorHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["run"]);
  readonly fixed: ExecutorFixed;
  readonly tasks: Tasks;

  constructor(tasks: Tasks, fixed: ExecutorFixed) {
    this.tasks = tasks;
    this.fixed = fixed;
  }

  /** Runs a task for who waits for it. */
  run(_owner: Owner, call: Call, options: TaskOptions, place: TaskPlace | undefined): Wait {
    if (typeof call.fn !== "object" || !Array.isArray(call.args)) {
      throw new TypeError("A task from elsewhere names its function, and has arguments");
    }
    const future = this.tasks.add(call, task_settings(options, null), place);
    const wait = new Wait().begin(null, () => {}, () => void future.cancel({ kill: true }));
    future.then((result) => wait.grant(result), (error) => wait.reject(error));
    return wait;
  }

  withdraw(): void {
    void this.tasks.shut_down(true);
  }
}

/** What an executor is elsewhere, too. */
export interface ExecutorFixed {
  /** The module that exports the functions. */
  module: string | undefined;
  /** How long a task may run unless told, in ms. */
  timeout: number | null;
}
