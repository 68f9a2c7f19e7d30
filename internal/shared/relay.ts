import { may_fail } from "../runtime/pending.ts";
import type { Home } from "./home.ts";
import type { Hold, Owner } from "./owner.ts";
import { LocalCore, type RemoteCore } from "./shared_object.ts";
import { Task } from "./task.ts";
import { Wait } from "./wait.ts";

/** A task of another agent, as the home of an object knows it that is reached through this thread. */
class RelayedTask implements Hold {
  readonly task = new Task({});
  #over: () => void;

  constructor(owner: Owner, over: () => void) {
    this.#over = over;
    owner.add(this);
  }

  give_back(): void {
    this.#over();
    this.task.give_up(new Deno.errors.BadResource("Who asked for it has ended"));
  }

  move_to(): void {
    this.#over();
    this.task.end();
  }
}

/** What stands for the home: a stub of what is passed on knows what never changes, and the way. */
function no_home(fixed: unknown): Home {
  return { methods: new Set(), fixed, describe: () => ({}), withdraw() {} };
}

/**
 * An object that is at home in another thread and that a third one reaches through this one: what a worker made and
 * gave to the server, which gives it to another worker.
 */
export class RelayCore extends LocalCore {
  #core: RemoteCore;
  #tasks: Map<Owner, RelayedTask> = new Map();

  constructor(core: RemoteCore) {
    super(core.kind, no_home(core.fixed));
    this.#core = core;
    core.when_withdrawn(() => super.withdraw());
  }

  /** Its home withdraws it, and then it is here, too. */
  override withdraw(): void {
    this.#core.withdraw();
  }

  override call_as(method: string, owner: Owner, args: unknown[]): Wait {
    this.check();
    this.#core.check();
    // What its home says of it to this thread is not for the third one: it does not share that memory so.
    if (method === "described") return Wait.granted(this.home.describe?.(owner.agent));
    const { link, id } = this.#core;
    const call = link.relay(id, method, this.#task_of(owner), args);
    // The wait says what it failed with.
    void may_fail(call.promise);
    const wait = new Wait().begin(null, () => undefined, () => call.cancel(undefined));
    call.on_over(() => {
      if (call.relayed) wait.grant(call.relayed.value, call.relayed.grant);
      else wait.reject(call.error?.reason);
    });
    return wait;
  }

  #task_of(owner: Owner): Task {
    let relayed = this.#tasks.get(owner);
    if (!relayed) {
      relayed = new RelayedTask(owner, () => this.#tasks.delete(owner));
      this.#tasks.set(owner, relayed);
    }
    return relayed.task;
  }
}
