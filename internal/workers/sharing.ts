/**
 * What `internal/shared/` has to do with workers. It is not loaded until a program uses it, so what it
 * does is asked for here: until then nothing is looked at, and nothing costs anything.
 */

import type { OpenSocket } from "../runtime/deno_internals.ts";
import type { DescriptorTable } from "../runtime/descriptor_table.ts";

/** The other end of a worker's channel. */
export interface Peer {
  /** What it is called in messages. */
  readonly name: string;
  /** Whether it shares memory with this thread. */
  readonly shares_memory: boolean;
  /** Whether it is another program: it is sent no functions, and no module is loaded because it says so. */
  readonly is_foreign?: boolean;
  /** Whether its link is told with what a turn of the event loop begins. */
  readonly tells_turns?: boolean;
  /**
   * Sends it something, which its `received()` gets.
   *
   * @param body What is sent.
   * @param is_plain Whether it can surely be cloned.
   * @throws {DOMException} If it cannot be cloned.
   */
  post(body: unknown[], is_plain: boolean): void;
  /**
   * Sends it a connection, before what is posted next.
   *
   * @param fd Its descriptor, which is the other end's from then on.
   * @returns Its number there.
   */
  send_connection?(fd: number): number;
}

/** A handle for an object, or a function, that is not copied, and where in a value it stands. */
export type Passenger = [path: (string | number)[], handle: unknown];

/** A value without what is not copied, and handles for that. */
export interface Packed {
  value: unknown;
  passengers?: Passenger[];
}

/** What runs on behalf of one task: the handler of a request, for example. */
export interface Scope {
  /** Runs what belongs to the task. */
  run<T>(work: () => T): T;
  /** What it waits for others to bring rejects with the reason. */
  interrupt(reason: unknown): void;
  /** All that it waits for rejects with the reason. */
  cut(reason: unknown): void;
  /** It goes on for too long: what it holds is given back, and what it still does changes nothing. */
  give_up(reason: unknown): void;
  /** It has ended. */
  end(): void;
}

/** What a scope is told of its task. */
export interface ScopeOptions {
  /** The number of its job, in a worker. */
  job?: number;
  /** Told of what was rejected and nobody awaited; in a worker the pool is told. */
  report?(error: unknown): void;
}

/** What is done for objects that several threads and processes use. */
export interface Sharing {
  /** Takes out of a value what is not copied. */
  pack(value: unknown, peer: Peer): Packed;
  /** Puts back what stands for it. */
  unpack(packed: Packed, peer: Peer): unknown;
  /** Something came from a peer. */
  received(peer: Peer, body: unknown[]): void;
  /** A peer is no more. */
  ended(peer: Peer): void;
  /** Sends a peer what still waits to be sent. */
  flush(peer: Peer): void;
  /** Begins a task. */
  begin(options: ScopeOptions): Scope;
}

/** What callers hold that goes with their calls: a method that runs for one may take it again. */
export interface Scopes {
  /** What the caller holds. */
  held(): object[];
  /** Runs a method for a caller elsewhere that holds these. */
  run(objects: object[], work: () => unknown): unknown;
}

/** What a process is in its program. */
export interface ProcessPlace {
  name: string;
  /** Whether its parent may end while it is alive. */
  daemon: boolean;
  /** Its number among the children of its parent, after that one's: `"1:2"`; empty for the main process. */
  number: string;
  parent: { name: string; pid: number } | null;
}

/** What there is in this thread. */
interface State {
  /** Provided when something is made that a caller can hold so. */
  scopes: Scopes | undefined;
  /** Provided when `internal/shared/` is loaded. */
  system: Sharing | undefined;
  /** The pool's thread, in a worker. */
  parent: Peer | undefined;
  /** Where a thread notes what descriptors it has open. */
  table: DescriptorTable | undefined;
  /** Connections that have come to this process, and that nobody has asked for yet. */
  connections: Map<number, OpenSocket>;
  /** The program's main module, where functions without a `module` are; a worker is told. */
  main_module: string;
  /** The process in which this is; a worker is told. */
  process: ProcessPlace;
  /** Whether this thread is a worker that starts: it loads the module of what it will run. */
  is_loading: boolean;
  /** Notes what a call was rejected with, in a worker: nobody may await it. */
  rejected(error: object, job: number): void;
  /** Has a worker not end by itself before this is over. */
  hold(closing: Promise<void>): void;
}

export const sharing: State = {
  scopes: undefined,
  system: undefined,
  parent: undefined,
  table: undefined,
  connections: new Map(),
  main_module: Deno.mainModule,
  process: { name: "MainProcess", daemon: false, number: "", parent: null },
  is_loading: false,
  rejected() {},
  hold() {},
};

/** How a shared object is known, whatever copy of this package has made it. */
export const SHARED: unique symbol = Symbol.for("@socketserver/shared") as never;

/** What shared objects have in them, as a function cannot be cloned: an error quotes its text. */
export function not_copied(): void {}

/** Whether a value is an object that is not copied. */
export function is_shared(value: unknown): value is object {
  return typeof value === "object" && value !== null && SHARED in value;
}

/** Takes out of a value what is not copied, where there can be such. */
export function pack(value: unknown, peer: Peer): Packed {
  return sharing.system ? sharing.system.pack(value, peer) : { value };
}

/** Puts back what stands for what is not copied. */
export async function unpack({ value, passengers }: Packed, peer: Peer): Promise<unknown> {
  if (!passengers) return value;
  return await (await load_system()).unpack({ value, passengers }, peer);
}

/** What a caller holds that goes with a call. */
export function held_scopes(peer: Peer): Packed[] | undefined {
  const held = sharing.scopes?.held();
  return held && held.length > 0 ? held.map((object) => pack(object, peer)) : undefined;
}

/** Runs a method for a caller elsewhere, with what that holds. */
export function run_for_caller(
  scopes: Packed[] | undefined,
  peer: Peer,
  work: () => unknown,
): unknown {
  const run = (held: object[]) => sharing.scopes ? sharing.scopes.run(held, work) : work();
  return scopes ? unpack_scopes(scopes, peer).then(run) : run([]);
}

/** Nobody holds what was withdrawn meanwhile. */
async function unpack_scopes(scopes: Packed[], peer: Peer): Promise<object[]> {
  const found = await Promise.allSettled(scopes.map((scope) => unpack(scope, peer)));
  return found.flatMap((one) => one.status === "fulfilled" ? [one.value as object] : []);
}

/** Something came from a peer for what may not be loaded yet. */
export function received(peer: Peer, body: unknown[]): void {
  if (sharing.system && !is_loading) sharing.system.received(peer, body);
  else void load_system().then((system) => system.received(peer, body));
}

let loading: Promise<Sharing> | undefined;
let is_loading = false;

/** Loads it; what comes meanwhile keeps its order. */
function load_system(): Promise<Sharing> {
  if (!loading) {
    is_loading = true;
    loading = import(SYSTEM).then(() => {
      is_loading = false;
      return sharing.system!;
    });
  }
  return loading;
}

/** Not a static import: it stands on a higher floor, and most programs never need it. */
const SYSTEM = new URL("../shared/system.ts", import.meta.url).href;
