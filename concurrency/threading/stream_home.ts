import { close_descriptor } from "../../internal/runtime/deno_internals.ts";
import type { Home } from "../../internal/shared/home.ts";
import type { Agent, Owner } from "../../internal/shared/owner.ts";
import { Possession } from "../../internal/shared/possession.ts";
import { Wait } from "../../internal/shared/wait.ts";
import { RELAYED, type Relayed } from "../../server/sockets/relayed_conn.ts";
import { duplicate, give_up, type StreamSocket } from "../../server/sockets/stream_socket.ts";

/** A descriptor on its way to another thread: whoever takes it first has to close it. */
export interface SentDescriptor {
  fd: number;
  /** Shared memory: 1 once it is taken. */
  taken: SharedArrayBuffer;
}

/** A descriptor that was sent to another process, by its number there. */
export interface SentConnection {
  number: number;
}

/** Takes a descriptor; `false` if somebody has it already. */
export function take_descriptor({ taken }: SentDescriptor): boolean {
  return Atomics.exchange(new Int32Array(taken), 0, 1) === 0;
}

/** What never changes about a connection. */
export interface StreamFixed {
  local: Deno.Addr;
  remote: Deno.Addr;
}

/**
 * A connection that was given to another thread or process, in the thread where it was opened. Who has it uses a
 * descriptor of its own, or where none can be had has all done here. It stays open here, too, as long as it is used
 * there: Deno sends FIN when it closes its own descriptor.
 */
export class StreamHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["claim", "relay", "close"]);
  readonly fixed: StreamFixed;
  readonly possession: Possession = new Possession();
  readonly socket: StreamSocket;
  /** Descriptors on their way. */
  #sent: Map<Agent, SentDescriptor> = new Map();

  constructor(socket: StreamSocket) {
    this.socket = socket;
    this.fixed = { local: socket.localAddr, remote: socket.remoteAddr };
  }

  describe(agent: Agent): SentDescriptor | SentConnection | undefined {
    this.possession.sent_to(agent);
    this.#take_back(agent);
    const fd = duplicate(this.socket);
    if (fd === undefined || fd < 0) return undefined;
    return agent.shares_memory ? this.#to_thread(agent, fd) : to_process(agent, fd);
  }

  #to_thread(agent: Agent, fd: number): SentDescriptor {
    const sent = { fd, taken: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
    this.#sent.set(agent, sent);
    return sent;
  }

  agent_ended(agent: Agent): void {
    this.#take_back(agent);
    this.possession.agent_ended(agent);
  }

  /** Closes a descriptor that was sent, if it has not arrived. */
  #take_back(agent: Agent): void {
    const sent = this.#sent.get(agent);
    this.#sent.delete(agent);
    if (sent && take_descriptor(sent)) void close_descriptor(sent.fd);
  }

  /** It has come to somebody. */
  claim(owner: Owner, key: number): void {
    this.possession.come_to(owner, key);
    for (const agent of this.#sent.keys()) this.#take_back(agent);
  }

  /** Who has it needs it no longer. */
  close(_owner: Owner, key: number): void {
    this.possession.leave(key);
  }

  /** Does something with it for who has it. */
  relay(_owner: Owner, key: number, method: Relayed, args: unknown[]): Wait {
    if (!this.possession.is_held(key) || !RELAYED.includes(method)) {
      throw new Deno.errors.BadResource("Cannot use a connection that another one has");
    }
    const cancelled = () => give_up(this.socket, new Deno.errors.Interrupted("operation canceled"));
    const wait = new Wait().begin(null, () => undefined, cancelled);
    const done = async () => await Reflect.apply(this.socket[method], this.socket, args);
    done().then((result) => wait.grant(result), (error) => wait.reject(error));
    return wait;
  }

  withdraw(): void {
    this.possession.end();
    for (const agent of this.#sent.keys()) this.#take_back(agent);
    this.socket.close();
  }
}

function to_process(agent: Agent, fd: number): SentConnection | undefined {
  const number = agent.send_connection?.(fd);
  if (number !== undefined) return { number };
  void close_descriptor(fd);
}
