import { attempt } from "../../internal/shared/waits.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { refuse_second_start, set_state, Startable } from "../threading/startable.ts";

/** What {@linkcode Process} has in common with processes that nobody has started as one: the main one, for example. */
export abstract class BaseProcess extends Startable {
  /** The number that the system has given it; `null` before it is started. The same as `ident`. */
  get pid(): number | null {
    return this.ident;
  }

  /** How it has ended; `null` while it is alive, and of one that was not started from here. */
  get exitcode(): number | null {
    return null;
  }

  /** Refuses to wait for itself. */
  protected override check_join(): void {
    if (current_process() === this) throw new TypeError("Cannot join current process");
  }
}

/** A process that nobody here has started as one: the main one, a worker of a server or pool, the parent. */
class FoundProcess extends BaseProcess {
  constructor(name: string, ident: number, daemon = false) {
    super();
    set_state(this, { noun: "process", name, ident, daemon, life: "alive" });
  }

  override start(): Promise<void> {
    return attempt(() => Promise.reject(refuse_second_start(this)));
  }

  protected override check_join(): void {
    super.check_join();
    throw new TypeError(`Cannot join ${this.name}: it was not started from here`);
  }
}

class ParentProcess extends FoundProcess {
  override is_alive(): boolean {
    return Deno.ppid === this.pid;
  }
}

let own: BaseProcess | undefined;

/** Says which process this is. */
export function set_own_process(process: BaseProcess): void {
  own = process;
}

/**
 * The process that this runs in, as Python's `multiprocessing.current_process()`: the {@linkcode Process} itself inside of
 * one, `"MainProcess"` in the program, `"Worker-3"` or so in a child of a server or a pool. A thread of a process gives
 * what stands for it.
 */
export function current_process(): BaseProcess {
  const { name, daemon } = sharing.process;
  return own ??= new FoundProcess(name, Deno.pid, daemon);
}

let parent: BaseProcess | undefined;

/** The process that has started this one, as Python's `parent_process()`; `null` in the program itself. */
export function parent_process(): BaseProcess | null {
  const place = sharing.process.parent;
  if (!place) return null;
  return parent ??= new ParentProcess(place.name, place.pid);
}
