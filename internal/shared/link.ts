import { at_end_of_turn } from "../runtime/fairness.ts";
import { NumberMap } from "../runtime/number_map.ts";
import { uncloneable } from "../workers/cloning.ts";
import { error_of, image_of } from "../workers/error_image.ts";
import type { ErrorImage } from "../workers/error_image.ts";
import type { Packed, Passenger, Peer } from "../workers/sharing.ts";
import { hub, type KnowingAgent } from "./hub.ts";
import { Owner } from "./owner.ts";
import { core_of, type SharedObject } from "./shared_object.ts";
import { CANNOT_WAIT, copy_that_waits } from "./waiting_copy.ts";
import type { Task, TaskWatcher } from "./task.ts";
import { type Grant, Wait, type Waiting } from "./wait.ts";

/**
 * What links tell each other. Many go in one message, as one flat array: each message has its price, and
 * each object in it, too. So each begins with one of these, and has as many items as `LENGTHS` says.
 */
const CALL = 0;
const CANCEL = 1;
const END = 2;
const ANSWER = 3;
const RECEIVED = 4;
const GIVEN_UP = 5;
const WITHDRAWN = 6;
const WITHDRAW = 7;
const ENDED = 8;
const REFUSED = 9;
const LENGTHS = [7, 2, 2, 5, 2, 2, 2, 2, 2, 3];

/** The messages of one array, each by itself. */
export function* messages_of(body: unknown[]): Generator<unknown[]> {
  for (let at = 0; at < body.length;) {
    const length = length_at(body, at);
    yield body.slice(at, at + length);
    at += length;
  }
}

/** What values of the messages have in them that is not copied. */
export function passengers_in(body: unknown[]): Passenger[][] {
  const found: Passenger[][] = [];
  for (let at = 0; at < body.length;) {
    const length = length_at(body, at);
    const is_with_value = body[at] === CALL || body[at] === ANSWER;
    const passengers = is_with_value ? body[at + length - 1] : undefined;
    if (passengers) found.push(passengers as Passenger[]);
    at += length;
  }
  return found;
}

function length_at(body: unknown[], at: number): number {
  const length = LENGTHS[body[at] as number];
  if (length === undefined) throw new TypeError(`There is no ${body[at]} that a link is told`);
  return length;
}

/** How long after something was sent, in ms, the turn may still be the same, unless the peer has told of another. */
const SOON = 1;

/** Where in a call, and in an answer, that stands which is not made by this library. */
const CALL_VALUE = 5;
const ANSWER_VALUE = 3;

/** How a call went: it gave a value, or one that can be taken back until it is received. */
const VALUE = 0;
const GRANT = 1;
const ERROR = 2;
const CANCELLED = 3;

/** What a call of somebody else's behalf is given, and what becomes of that. */
export interface Relayed {
  value: unknown;
  grant: Grant | undefined;
}

/** How values get to the other side. */
export interface Carrier {
  /** Finds an object by its name; a promise where a module must be loaded first. */
  named(id: string, link: Link): Promise<void> | void;
  pack(value: unknown, link: Link): Packed;
  /** What stands for it; a promise where a module must be loaded first. */
  unpack(packed: Packed, link: Link): unknown;
}

/** A call to the other side. */
class RemoteCall<T> implements Waiting<T> {
  readonly #outcome: PromiseWithResolvers<T> = Promise.withResolvers();
  readonly #link: Link;
  readonly number: number;
  readonly task: Task;
  #state: "waiting" | "ending" | "cancelled" | "over" = "waiting";
  #reason: unknown;
  #over: (() => void)[] = [];
  error: { reason: unknown } | undefined;
  /** Whether somebody else will say that they have received what it is granted. */
  readonly is_relayed: boolean;
  /** What it gave, if it is relayed. */
  relayed: Relayed | undefined;

  constructor(link: Link, number: number, task: Task, is_relayed: boolean) {
    this.#link = link;
    this.number = number;
    this.task = task;
    this.is_relayed = is_relayed;
  }

  get is_over(): boolean {
    return this.#state === "over";
  }

  /** Whether what it is granted is not wanted any more. */
  get is_refused(): boolean {
    return this.#state === "cancelled" || this.task.is_given_up;
  }

  get promise(): Promise<T> {
    return this.#outcome.promise;
  }

  on_over(call: () => void): void {
    if (this.is_over) call();
    else this.#over.push(call);
  }

  cancel(reason: unknown): void {
    if (this.#state === "over" || this.#state === "cancelled") return;
    if (this.#state === "waiting") this.#reason = reason;
    this.#state = "cancelled";
    this.#link.cancel(this.number);
  }

  end(reason: unknown): void {
    if (this.#state !== "waiting") return;
    this.#state = "ending";
    this.#reason = reason;
    this.#link.end(this.number);
  }

  resolve(value: T): void {
    this.#settle(() => this.#outcome.resolve(value));
  }

  reject(reason: unknown): void {
    this.error = { reason };
    this.#settle(() => this.#outcome.reject(reason));
  }

  /** The other side has given it up. */
  cancelled(): void {
    this.reject(this.#reason);
  }

  #settle(tell: () => void): void {
    if (this.is_over) return;
    this.#state = "over";
    tell();
    for (const call of this.#over.splice(0)) call();
  }
}

/** The numbers of links; 1 is this thread. */
let last_number = 1;

/** The way to another agent, and what that has of this one's objects. */
export class Link implements KnowingAgent, TaskWatcher {
  readonly number: number = ++last_number;
  readonly peer: Peer;
  /** What stands here for its objects. */
  readonly stubs: Map<number | string, SharedObject> = new Map();
  #carrier: Carrier;
  /** What it tells me that waits for a module to be loaded. */
  #later: unknown[][] | undefined;
  /** Why nothing that it tells makes sense any more. */
  #fault: { reason: unknown } | undefined;
  #waiting: unknown[] = [];
  /** Whether what waits will be sent at the end of the turn. */
  #scheduled = false;
  /** When something was sent to a peer that tells turns, unless a turn has begun since. */
  #sent_at = -Infinity;
  /** Whether what waits must leave before anything else is done. */
  #is_urgent = false;
  #last_call = 0;
  #calls: NumberMap<RemoteCall<unknown>> = new NumberMap();
  /** Its calls that wait here, or whose grants it has not received. */
  #asked: NumberMap<Wait> = new NumberMap();
  /** Its calls that wait here, and of which it wants no answer. */
  #told: Set<Wait> = new Set();
  /** Its tasks, from the first call of each to its end. */
  #owners: NumberMap<Owner> = new NumberMap();
  /** What its ended tasks have left. */
  #program: Owner = new Owner(this);
  #ended: Error | undefined;

  constructor(peer: Peer, carrier: Carrier) {
    this.peer = peer;
    this.#carrier = carrier;
  }

  get name(): string {
    return this.peer.name;
  }

  get shares_memory(): boolean {
    return this.peer.shares_memory;
  }

  send_connection(fd: number): number | undefined {
    return this.peer.send_connection?.(fd);
  }

  /** What stands for a value that came; a promise where a module must be loaded first. */
  unpack(packed: Packed): unknown {
    return this.#carrier.unpack(packed, this);
  }

  /**
   * Calls a method of an object there.
   *
   * @throws {DOMException} If an argument cannot be cloned.
   * @throws {Deno.errors.BadResource} If the other side is no more.
   */
  call<T>(id: number | string, method: string, task: Task, args: unknown[]): Waiting<T> {
    return this.#call(id, method, task, args, false);
  }

  /** The same for somebody else: whether they have received what it is granted is said by them. */
  relay(
    id: number | string,
    method: string,
    task: Task,
    args: unknown[],
  ): Waiting & { readonly relayed: Relayed | undefined } {
    return this.#call<unknown>(id, method, task, args, true);
  }

  #call<T>(
    id: number | string,
    method: string,
    task: Task,
    args: unknown[],
    is_relayed: boolean,
  ): RemoteCall<T> {
    this.check();
    const number = ++this.#last_call;
    const call = new RemoteCall<T>(this, number, task, is_relayed);
    task.watch(this);
    this.#send_call(number, id, method, task.key, args);
    this.#calls.set(number, call as RemoteCall<unknown>);
    return call;
  }

  /** Calls a method of which no answer is wanted. Nothing, if the object is no more. */
  tell(id: number | string, method: string, task: Task, args: unknown[]): void {
    if (this.#ended || task.is_given_up) return;
    task.watch(this);
    this.#send_call(0, id, method, task.key, args);
  }

  #send_call(
    number: number,
    id: number | string,
    method: string,
    key: number,
    args: unknown[],
  ): void {
    try {
      const { value, passengers } = this.#carrier.pack(args, this);
      this.#send_value([CALL, number, id, method, key, value, passengers], CALL_VALUE);
    } catch (error) {
      throw uncloneable(`an argument of ${method}()`, error);
    }
  }

  /** Refuses to use what is no more. */
  check(): void {
    if (this.#ended) throw this.#ended;
  }

  cancel(number: number): void {
    this.#send([CANCEL, number]);
  }

  end(number: number): void {
    this.#send([END, number]);
  }

  /** A task has ended. It may wait: until then what it holds is its own. */
  ended({ ident }: Task): void {
    this.#send([ENDED, ident], true);
  }

  given_up({ ident }: Task): void {
    this.#send([GIVEN_UP, ident]);
  }

  /** An object that is at home here is no more. */
  withdrawn(id: number | string): void {
    this.#send([WITHDRAWN, id]);
  }

  /** Withdraws an object that is at home there. */
  withdraw(id: number | string): void {
    this.#send([WITHDRAW, id]);
  }

  /**
   * Sends something: at once if it comes alone, else together with the rest of the turn.
   *
   * @param items What is told; it can surely be cloned.
   * @param may_wait Whether it may wait for the end of the turn in any case.
   */
  #send(items: unknown[], may_wait = false): void {
    if (this.#ended) return;
    if (may_wait || this.#has_company()) this.#wait(items);
    else this.#post(items, true);
  }

  /**
   * Sends something with a value that is not made by this library. It must get there as it is now.
   *
   * @param items What is told.
   * @param at Where in it the value stands.
   * @throws What says that the value cannot be cloned.
   */
  #send_value(items: unknown[], at: number): void {
    if (this.#ended) return;
    // What comes with passengers may be too large, which who sends it is to hear.
    const may_wait = items[at + 1] === undefined && this.#has_company();
    const copy = may_wait ? copy_that_waits(items[at]) : CANNOT_WAIT;
    if (copy === CANNOT_WAIT) return this.#post(items, false);
    items[at] = copy;
    this.#wait(items);
  }

  /** Whether something was sent in this turn already. */
  #has_company(): boolean {
    return this.#scheduled || performance.now() - this.#sent_at < SOON;
  }

  #post(items: unknown[], is_plain: boolean): void {
    this.flush();
    this.peer.post(items, is_plain);
    // Where the next turn makes itself known, nobody need be told of the end of this one.
    if (this.peer.tells_turns) this.#sent_at = performance.now();
    else this.#schedule();
  }

  #wait(items: unknown[]): void {
    this.#waiting.push(...items);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    at_end_of_turn(this.#end_turn);
  }

  #end_turn = (): void => {
    this.#scheduled = false;
    this.#sent_at = -Infinity;
    this.flush();
  };

  /** Sends what waits. */
  flush(): void {
    this.#is_urgent = false;
    if (this.#waiting.length > 0 && !this.#ended) this.peer.post(this.#waiting.splice(0), true);
  }

  /**
   * Takes what the other side tells.
   *
   * @param begins_turn Whether it is the first in this turn: told where the peer `tells_turns`.
   * @throws If that makes no sense.
   */
  received(body: unknown[], begins_turn = false): void {
    if (this.#ended) return;
    if (this.#fault) throw this.#fault.reason;
    if (begins_turn) this.#sent_at = -Infinity;
    if (this.#later) return void this.#later.push(body);
    for (let at = 0; at < body.length;) {
      const length = length_at(body, at);
      const loading = this.#take(body[at] as number, body.slice(at + 1, at + length));
      at += length;
      if (loading) {
        void this.#wait_for(loading, body.slice(at));
        break;
      }
    }
    if (this.#is_urgent) this.flush();
  }

  /** What comes after must wait until a module is loaded. */
  async #wait_for(loading: Promise<void>, rest: unknown[]): Promise<void> {
    const later = this.#later = [rest];
    try {
      await loading;
      this.#later = undefined;
      for (const body of later) this.received(body);
    } catch (reason) {
      // Who hears the next thing is told.
      this.#fault = { reason };
      this.#later = undefined;
    }
  }

  #take(what: number, items: unknown[]): Promise<void> | void {
    const number = items[0] as number;
    switch (what) {
      case CALL:
        return this.#called(items);
      case CANCEL:
        return this.#is_cancelled(number);
      case END:
        return this.#asked.get(number)?.end(CANCELLED);
      case ANSWER:
        return this.#answered(items);
      case RECEIVED:
        return this.#granted(number)?.receive();
      case REFUSED: {
        const error = error_of(items[1] as ErrorImage);
        return this.#granted(number)?.refuse(error);
      }
      case GIVEN_UP:
        this.#owners.get(number)?.give_back();
        return void this.#owners.delete(number);
      case ENDED:
        this.#owners.get(number)?.move_to(this.#program);
        return void this.#owners.delete(number);
      case WITHDRAWN:
        return this.#is_withdrawn(number);
      case WITHDRAW:
        return hub.find(number, this)?.core.withdraw();
    }
  }

  /** A call of the other side, which has heard what it was granted. */
  #granted(number: number): Wait | undefined {
    const wait = this.#asked.get(number);
    if (wait && !wait.is_over) throw new TypeError(`The call ${number} was granted nothing`);
    this.#asked.delete(number);
    return wait;
  }

  /** It does not want any more what it has asked for. What it was granted has gone back when it hears of that. */
  #is_cancelled(number: number): void {
    this.#asked.get(number)?.cancel(CANCELLED);
    if (this.#asked.delete(number)) this.#answer_cancelled(number);
  }

  #called(items: unknown[]): Promise<void> | void {
    const [number, id, , , value, passengers] = items as [
      number,
      unknown,
      string,
      number,
      unknown,
      Passenger[] | undefined,
    ];
    const refused = (error: unknown) => this.#answer_error(number, error);
    const found = () =>
      settle(
        () => passengers ? this.unpack({ value, passengers }) : value,
        (args) => this.#do_call(items, args as unknown[]),
        refused,
      );
    if (typeof id !== "string" || hub.find(id, this)) return found();
    return settle(() => this.#carrier.named(id, this), found, refused);
  }

  #do_call(items: unknown[], args: unknown[]): void {
    if (this.#ended) return;
    const [number, id, method, key] = items as [number, number, string, number];
    if (number !== 0 && this.#asked.has(number)) {
      throw new TypeError(`There is a call ${number} already`);
    }
    try {
      const entry = hub.find(id, this);
      if (!entry) throw gone("it was withdrawn");
      if (!Number.isSafeInteger(number) || !Number.isSafeInteger(key)) {
        throw new TypeError("A call and its task must have whole numbers");
      }
      const result = entry.core.call_as(method, this.#owner_of(key), args);
      if (number === 0) this.#is_told(result);
      else if (result instanceof Wait) this.#await_call(number, result);
      else this.#answer(number, VALUE, result);
    } catch (error) {
      this.#answer_error(number, error);
    }
  }

  /** Who a task of the other side is here. */
  #owner_of(key: number): Owner {
    if (key === 0) return this.#program;
    let owner = this.#owners.get(key);
    if (!owner) this.#owners.set(key, owner = new Owner(this));
    return owner;
  }

  /** Nobody hears what was given: it counts as received. */
  #is_told(result: unknown): void {
    if (!(result instanceof Wait)) return;
    this.#told.add(result);
    result.on_over(() => {
      if (this.#told.delete(result) && !result.error) result.receive();
    });
  }

  #await_call(number: number, wait: Wait): void {
    // Who has gone on, or is another process, keeps no program running.
    wait.unref();
    this.#asked.set(number, wait);
    wait.on_over(() => this.#settled(number, wait));
  }

  /** A call of the other side is settled. */
  #settled(number: number, wait: Wait): void {
    if (this.#ended) return;
    const { error } = wait;
    if (error || !wait.can_be_undone) this.#asked.delete(number);
    if (!error) this.#answer(number, wait.can_be_undone ? GRANT : VALUE, wait.value);
    else if (error.reason === CANCELLED) this.#answer_cancelled(number);
    else this.#answer_error(number, error.reason);
  }

  #answer(number: number, how: number, value: unknown): void {
    try {
      const packed = this.#carrier.pack(value, this);
      this.#send_value([ANSWER, number, how, packed.value, packed.passengers], ANSWER_VALUE);
    } catch (error) {
      this.#asked.get(number)?.refuse(error);
      this.#asked.delete(number);
      this.#answer_error(number, uncloneable("what it gave", error));
    }
  }

  #answer_error(number: number, error: unknown): void {
    if (number === 0) return;
    this.#send([ANSWER, number, ERROR, image_of(error), undefined]);
  }

  #answer_cancelled(number: number): void {
    this.#send([ANSWER, number, CANCELLED, null, undefined]);
  }

  #answered(items: unknown[]): Promise<void> | void {
    const [number, how, value, passengers] = items as [
      number,
      number,
      unknown,
      Passenger[] | undefined,
    ];
    const call = this.#calls.get(number);
    if (!call) return;
    if (how === VALUE || how === GRANT) {
      // What is not wanted any more must not arrive: a connection would be opened.
      if (how === GRANT && call.is_refused) return call.cancel(undefined);
      return settle(
        () => passengers ? this.unpack({ value, passengers }) : value,
        (result) => this.#given(call, how, result),
        (error) => this.#not_given(call, how, error),
      );
    }
    this.#calls.delete(number);
    if (how === CANCELLED) call.cancelled();
    else call.reject(error_of(value as ErrorImage));
  }

  /** A call gave something. */
  #given(call: RemoteCall<unknown>, how: number, result: unknown): void {
    const { number } = call;
    // If it is refused, the other side says so again when it has taken it back.
    if (how === GRANT && call.is_refused) return call.cancel(undefined);
    if (!this.#calls.delete(number)) return;
    if (call.is_relayed) call.relayed = { value: result, grant: this.#grant_of(number, how) };
    else if (how === GRANT) this.#says_received(number);
    // Not while it takes what has come: a module had to be loaded.
    if (this.#later) this.flush();
    call.resolve(result);
  }

  /** A call gave what cannot be used here. */
  #not_given(call: RemoteCall<unknown>, how: number, error: unknown): void {
    if (!this.#calls.delete(call.number)) return;
    if (how === GRANT) this.#send([REFUSED, call.number, image_of(error)]);
    call.reject(error);
  }

  /** What becomes of a grant that is passed on. */
  #grant_of(number: number, how: number): Grant | undefined {
    if (how !== GRANT) return undefined;
    return {
      undo: () => this.cancel(number),
      received: () => this.#send([RECEIVED, number], true),
      refused: (error) => this.#send([REFUSED, number, image_of(error)]),
    };
  }

  /** Who receives it may never let go of this thread: it is said before they go on. */
  #says_received(number: number): void {
    this.#waiting.push(RECEIVED, number);
    this.#is_urgent = true;
    if (!this.peer.tells_turns) this.#schedule();
  }

  #is_withdrawn(id: number | string): void {
    const stub = this.stubs.get(id);
    if (stub) core_of(stub).is_withdrawn(gone("it was withdrawn"));
    this.stubs.delete(id);
  }

  /** The other side is no more: what it held goes back, what was asked of it rejects. */
  closed(): void {
    this.#ended = gone(`${this.name} has ended`);
    const asked = [...this.#told, ...this.#asked.values()].reverse();
    this.#told.clear();
    this.#asked.clear();
    for (const wait of asked) wait.cancel(this.#ended);
    for (const owner of this.#owners.values().reverse()) owner.give_back();
    this.#program.give_back();
    hub.agent_ended(this);
    for (const call of this.#calls.values()) call.reject(this.#ended);
    this.#calls.clear();
    for (const stub of this.stubs.values()) core_of(stub).is_withdrawn(this.#ended);
    this.stubs.clear();
  }
}

/** Goes on with what a step gives, or with what it throws: at once, or later where it gives a promise. */
function settle<T>(
  step: () => T | Promise<T>,
  given: (value: T) => Promise<void> | void,
  failed: (error: unknown) => void,
): Promise<void> | void {
  let value: T | Promise<T>;
  try {
    value = step();
  } catch (error) {
    return failed(error);
  }
  return value instanceof Promise ? value.then(given, failed) : given(value);
}

function gone(why: string): Error {
  return new Deno.errors.BadResource(`Cannot use a shared object: ${why}`);
}
