import { is_shared, type Packed, type Passenger, type Peer, sharing } from "../workers/sharing.ts";
import { process_copy, thread_copy, uncloneable } from "../workers/cloning.ts";
import { is_small_and_plain } from "../workers/look.ts";
import { may_fail } from "../runtime/pending.ts";
import { function_of, type FunctionHandle, handle_of_function, stand_in } from "./functions.ts";
import { hub } from "./hub.ts";
import { Link } from "./link.ts";
import { RelayCore } from "./relay.ts";
import {
  arrived,
  type Core,
  core_of,
  type Kind,
  LocalCore,
  open,
  RemoteCore,
  type SharedClass,
  type SharedObject,
} from "./shared_object.ts";

/** How many arrays and objects of a value are looked through. */
const LOOKS = 1000;

/** The folder of this package. Only its own classes are loaded for an object that comes from elsewhere. */
const ROOT = new URL("../../", import.meta.url);
const OWN_FILE = /^concurrency\/([a-z_]+\/){1,2}[a-z_]+\.ts$/;

/** A handle: of an object of the sender's, of one of the receiver's, or of a function. */
export type Handle =
  | { mine: number | string; kind: Kind; described: unknown; fixed: Packed }
  | { yours: number | string }
  | { function: FunctionHandle };

/** One that has ended stays, as long as anybody has its peer: no other takes its place. */
const links = new WeakMap<Peer, Link>();

/** The way to the other end of a worker's channel. */
export function link_to(peer: Peer): Link {
  let link = links.get(peer);
  if (!link) links.set(peer, link = new Link(peer, { pack, unpack, named: find_named }));
  return link;
}

/** The other end is no more. */
export function unlink(peer: Peer): void {
  link_to(peer).closed();
}

/** Takes what is not copied out of a value. */
export function pack(value: unknown, link: Link): Packed {
  const passengers: Passenger[] = [];
  const looks = { left: LOOKS };
  const stand_for = (found: object) => handle_of(found, link);
  const packed = take_out(value, stand_for, [], passengers, looks);
  return passengers.length > 0 ? { value: packed, passengers } : { value };
}

/**
 * Refuses what cannot be sent to others.
 *
 * @param shares_memory Whether they can have shared memory.
 * @throws {DOMException} If it cannot be cloned.
 */
export function refuse_uncloneable_value(what: string, value: unknown, shares_memory = true): void {
  if (!is_small_and_plain(value)) copy_of(what, value, shares_memory);
}

/**
 * A copy of a value, as one that has been to another thread: what is not copied is in it itself.
 *
 * @param shares_memory Whether shared memory may be in it.
 * @throws {DOMException} If it cannot be cloned.
 */
export function copy_of<T>(what: string, value: T, shares_memory = true): T {
  const passengers: Passenger[] = [];
  const clone = shares_memory ? thread_copy : process_copy;
  try {
    const copy = clone(take_out(value, itself, [], passengers, { left: LOOKS }));
    return passengers.reduce((whole, [path, found]) => put_back(whole, path, found), copy) as T;
  } catch (error) {
    throw uncloneable(what, error);
  }
}

function itself(found: object): object {
  if (typeof found === "function") handle_of_function(found);
  else if (!is_shared(found)) carrying!.check(found);
  return found;
}

/** What is done for what is neither copied nor shared, and travels all the same: a connection. */
export interface Carrying {
  /** Whether a value is of that kind. */
  takes(value: object): boolean;
  /** @throws {TypeError} If it cannot travel. */
  check(value: object): void;
  /**
   * What is given away, while who gave it has it no longer.
   *
   * @throws {TypeError} If it is in use.
   */
  give(value: object): object;
  /** The object that travels in its place: see `arrived`. */
  object_for(value: object, link: Link): SharedObject;
  /** Closes it, unless it has come to somebody else. */
  drop(value: object): void;
}

let carrying: Carrying | undefined;

/** Says how that is done. */
export function provide_carrying(how: Carrying): void {
  carrying = how;
}

/**
 * A value that is given away: who gave it has the connections in it no longer.
 *
 * @throws {TypeError} If one is in use.
 */
export function given_away<T>(value: T): T {
  if (!carrying || is_small_and_plain(value)) return value;
  const passengers: Passenger[] = [];
  const give = (found: object) => carrying!.takes(found) ? carrying!.give(found) : found;
  const rest = take_out(value, give, [], passengers, { left: LOOKS });
  return passengers.reduce((whole, [path, found]) => put_back(whole, path, found), rest) as T;
}

/** Closes the connections in a value that nobody here uses any more, and that have not gone to somebody else. */
export function drop_connections(value: unknown): void {
  if (!carrying || is_small_and_plain(value)) return;
  const drop = (found: object) => carrying!.takes(found) && carrying!.drop(found);
  take_out(value, drop, [], [], { left: LOOKS });
}

function take_out(
  value: unknown,
  stand_for: (found: object) => unknown,
  path: (string | number)[],
  passengers: Passenger[],
  looks: { left: number },
): unknown {
  const may_stay = typeof value !== "function";
  if (may_stay && (typeof value !== "object" || value === null || looks.left-- <= 0)) return value;
  if (!may_stay || is_shared(value)) {
    passengers.push([path, stand_for(value)]);
    return null;
  }
  if (!is_plain(value)) {
    if (!carrying?.takes(value)) return value;
    passengers.push([path, stand_for(value)]);
    return null;
  }
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    // Most are neither: that is told before a path is made for them.
    if (typeof item !== "object" && typeof item !== "function") continue;
    const packed = take_out(item, stand_for, [...path, key], passengers, looks);
    if (packed === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
      string,
      unknown
    >;
    copy[key] = packed;
  }
  return copy ?? value;
}

function is_plain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

/** How an object, or a function, travels. */
export function handle_of(found: object, link: Link): Handle {
  if (typeof found === "function") return { function: handle_of_function(found) };
  const object = is_shared(found) ? found as SharedObject : carrying!.object_for(found, link);
  const core = core_of(object);
  if (core instanceof RemoteCore && core.link === link) return { yours: core.id };
  link.check();
  const local = local_core(core);
  const { kind, home } = local;
  const mine = hub.introduce(object, local, link);
  return { mine, kind, described: home.describe?.(link), fixed: pack(home.fixed, link) };
}

const relays = new WeakMap<Core, RelayCore>();

/** What others reach through this thread is at home here, or passed on. */
function local_core(core: Core): LocalCore {
  if (core instanceof LocalCore) return core;
  let relay = relays.get(core);
  if (!relay) relays.set(core, relay = new RelayCore(core as RemoteCore));
  return relay;
}

/** Sees to it that an object can be found by its name: see {@linkcode provide_named}. */
export function find_named(id: string, link: Link): Promise<void> | void {
  if (link.peer.is_foreign) throw new TypeError("Other programs find no objects by their names");
  const [file = "", name = "", ...label] = id.split(" ");
  const key = `${file} ${name}`;
  const introduce = () => {
    const object = named.get(key)?.(label.join(" "));
    if (!object) throw new TypeError(`There is no ${name} to be found by a name`);
    link.check();
    hub.introduce(object, local_core(core_of(object)), link, id);
  };
  if (named.has(key)) introduce();
  else return load_class({ file, name }).then(introduce);
}

/** How objects are found by a name, by their kinds. */
const named = new Map<string, (name: string) => SharedObject>();

/**
 * The object of a name: at home in the program's first thread, and in all others what stands for it.
 *
 * @param Class Its class.
 * @param kind The same.
 * @param name Its name.
 */
export function named_object<T extends SharedObject>(
  Class: new () => T,
  kind: Kind,
  name: string,
): T {
  if (!sharing.parent) return new Class();
  const link = link_to(sharing.parent);
  return open(Class, new RemoteCore(kind, link, `${kind.file} ${kind.name} ${name}`)) as T;
}

/** Says how objects of a kind are found by a name, in the whole program. */
export function provide_named({ file, name }: Kind, find: (name: string) => SharedObject): void {
  named.set(`${file} ${name}`, find);
}

/** Puts back what stands for what is not copied; a promise where a module must be loaded first. */
export function unpack(packed: Packed, link: Link): unknown {
  return put_in(packed, (handle) => resolve(handle as Handle, link));
}

/** The same with another way to what a handle stands for. */
export function put_in(
  { value, passengers = [] }: Packed,
  resolve: (handle: unknown) => unknown,
): unknown {
  const found = passengers.map(([, handle]) => {
    const object = resolve(handle);
    // Nobody waits for it where one of the next makes no sense.
    return object instanceof Promise ? may_fail(object) : object;
  });
  const put = (objects: unknown[]) =>
    passengers.reduce((whole, [path], at) => put_back(whole, path, objects[at]), value);
  return found.some((object) => object instanceof Promise)
    ? Promise.all(found).then(put)
    : put(found);
}

/** Puts an object into a value, which is a copy that nobody else has. */
function put_back(whole: unknown, path: (string | number)[], object: unknown): unknown {
  if (path.length === 0) return object;
  let at = whole as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    check_place(at, key);
    at = at[key] as Record<string, unknown>;
  }
  check_place(at, path.at(-1)!);
  Object.defineProperty(at, path.at(-1)!, {
    value: object,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  return whole;
}

/** What comes from elsewhere must not reach what all objects share, nor make an array longer. */
function check_place(at: object, key: string | number): void {
  if (!Object.hasOwn(at, key)) throw new TypeError("There is no such place in the value");
}

/** What a handle stands for. */
export function resolve(handle: Handle, link: Link): unknown {
  if ("yours" in handle) return own_object(handle.yours, link);
  if ("mine" in handle) return stub_of(handle, link);
  if (link.peer.is_foreign) throw new TypeError("Functions do not come from other programs");
  // In the program itself, the main module may wait for something, and would never be there.
  const is_main = !sharing.parent && handle.function.module === Deno.mainModule;
  return is_main ? stand_in(handle.function) : function_of(handle.function);
}

function own_object(id: number | string, link: Link): object {
  const entry = hub.find(id, link);
  if (!entry) throw new Deno.errors.BadResource("Cannot use a shared object: it was withdrawn");
  return entry.object[arrived]?.() ?? entry.object;
}

function stub_of(
  { mine, kind, described, fixed: packed }: Extract<Handle, { mine: number | string }>,
  link: Link,
): object | Promise<object> {
  const make = (Class: SharedClass, fixed: unknown) => {
    let stub = link.stubs.get(mine);
    if (!stub) {
      stub = open(Class, new RemoteCore(kind, link, mine, { described, fixed }));
      link.stubs.set(mine, stub);
    }
    return stub[arrived]?.() ?? stub;
  };
  const known = classes.get(`${kind.file} ${kind.name}`);
  const fixed = link.unpack(packed);
  if (known && !(fixed instanceof Promise)) return make(known, fixed);
  return Promise.all([load_class(kind), fixed]).then(([Class, value]) => make(Class, value));
}

const classes = new Map<string, SharedClass>();

/** Says what class a kind has: its module does so when it is loaded. */
export function provide_class({ file, name }: Kind, Class: SharedClass): void {
  classes.set(`${file} ${name}`, Class);
}

/** Loads the class of an object. */
export async function load_class({ file, name }: Kind): Promise<SharedClass> {
  if (!OWN_FILE.test(file)) throw new TypeError(`${file} is no file with shared objects`);
  await import(new URL(file, ROOT).href);
  const Class = classes.get(`${file} ${name}`);
  if (!Class) throw new TypeError(`${file} has no shared object ${name}`);
  return Class;
}
