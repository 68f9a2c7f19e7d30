import type { LocalCore, SharedObject } from "./shared_object.ts";
import type { Agent } from "./owner.ts";

/** An object that others know of. */
interface Entry {
  object: SharedObject;
  core: LocalCore;
  /** Who knows of it. */
  known: Set<KnowingAgent>;
}

/** Who knows of objects here: told when one is withdrawn. */
export interface KnowingAgent extends Agent {
  withdrawn(id: number | string): void;
}

/** The objects that are at home in this thread and that others know of, by their numbers. */
class Hub {
  #entries: Map<number | string, Entry> = new Map();
  #ids: Map<LocalCore, number | string> = new Map();
  #last_id = 0;

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether anybody else knows of an object. */
  is_known(core: LocalCore): boolean {
    return this.#ids.has(core);
  }

  /** Lets an agent know of an object; gives its number, or its name if it is known by that. */
  introduce(
    object: SharedObject,
    core: LocalCore,
    agent: KnowingAgent,
    name?: string,
  ): number | string {
    let id = this.#ids.get(core);
    if (id === undefined) {
      id = name ?? ++this.#last_id;
      this.#ids.set(core, id);
      this.#entries.set(id, { object, core, known: new Set() });
    }
    this.#entries.get(id)!.known.add(agent);
    return id;
  }

  /** The object of a number, if the agent was told of it. */
  find(id: number | string, agent: KnowingAgent): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry?.known.has(agent) ? entry : undefined;
  }

  /** Forgets an object, and tells all who know of it. */
  withdraw(core: LocalCore): void {
    const id = this.#ids.get(core);
    if (id === undefined) return;
    const { known } = this.#entries.get(id)!;
    this.#forget(id, core);
    for (const agent of known) agent.withdrawn(id);
  }

  #forget(id: number | string, core: LocalCore): void {
    this.#ids.delete(core);
    this.#entries.delete(id);
  }

  /** An agent is no more. What nobody else knows of is kept only by who uses it here. */
  agent_ended(agent: KnowingAgent): void {
    for (const [id, { core, known }] of this.#entries) {
      if (!known.delete(agent)) continue;
      core.home.agent_ended?.(agent);
      if (known.size === 0) this.#forget(id, core);
    }
  }
}

/** That of this thread. */
export const hub: Hub = new Hub();
