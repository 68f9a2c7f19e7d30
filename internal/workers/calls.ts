import { NumberMap } from "../runtime/number_map.ts";
import { uncloneable } from "./cloning.ts";
import { error_of } from "./error_image.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import { RemotePromise } from "./remote_promise.ts";
import { held_scopes, pack, type Packed, sharing, unpack } from "./sharing.ts";

/** A job whose waits end when it must end. */
export interface Waiting {
  readonly id: number;
}

/** A call that waits for its answer. */
interface Call {
  readonly id: number;
  promise: RemotePromise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** The job whose waits end with it; none where that goes on. */
  job: Waiting | undefined;
}

/** Whether a message calls this method for no job, and wants no answer. */
function tells(
  message: FromWorker | undefined,
  target: string,
  method: string,
): message is Extract<FromWorker, { type: "call" }> {
  return message?.type === "call" && message.call === 0 && message.job === undefined &&
    message.target === target && message.method === method;
}

/** The calls of a worker to the pool's thread, until they are answered. */
export class Calls {
  /** The number of the last call. */
  last = 0;
  #outbox: Outbox<FromWorker>;
  #open: NumberMap<Call> = new NumberMap();
  /** What calls were rejected with, and the job each belongs to. */
  #rejections: WeakMap<object, Waiting | undefined> = new WeakMap();
  /** What needs no report (any more): reported errors, and the reasons for which jobs must end. */
  #told: WeakSet<object> = new WeakSet();

  /** @param outbox Sends what is called. */
  constructor(outbox: Outbox<FromWorker>) {
    this.#outbox = outbox;
  }

  /**
   * Calls a method in the pool's thread.
   *
   * @param id The job for which it is called; 0 for none.
   * @param job The same, if the call must end with it.
   */
  call(
    id: number,
    target: string,
    method: string,
    args: unknown[],
    job?: Waiting,
  ): RemotePromise<unknown> {
    const [call, outcome] = this.#new_call(job);
    try {
      const { value, passengers } = pack(args, sharing.parent!);
      const scopes = held_scopes(sharing.parent!);
      const packed = {
        args: value as unknown[],
        ...(passengers && { passengers }),
        ...(scopes && { scopes }),
      };
      this.#outbox.post({ type: "call", call, job: id, target, method, ...packed });
    } catch (error) {
      this.#open.delete(call);
      this.#reject(outcome, uncloneable(`an argument of ${method}()`, error));
    }
    return outcome.promise;
  }

  /** Calls a method of which no answer is wanted, for a job if one is named; the arguments can be cloned. */
  tell(target: string, method: string, args: unknown[], job?: number): void {
    const { last } = this.#outbox;
    if (job === undefined && tells(last, target, method)) {
      (last.also ??= []).push(args);
      return;
    }
    const whose = job !== undefined && { job };
    this.#outbox.defer({ type: "call", call: 0, ...whose, target, method, args });
  }

  /** Resolves when the pool's thread has had all that was sent before, and it was answered if at once. */
  async echo(): Promise<void> {
    const [call, { promise }] = this.#new_call();
    this.#outbox.post({ type: "echo", call });
    await promise;
  }

  /** Settles the call that was answered. */
  answer({ call: id, value, error, passengers }: Extract<ToWorker, { type: "answer" }>): void {
    const call = this.#open.get(id);
    if (!call) return;
    this.#open.delete(id);
    if (error) this.#reject(call, error_of(error));
    else if (passengers) void this.#unpack(call, { value, passengers });
    else call.resolve(value);
  }

  async #unpack(call: Call, packed: Packed): Promise<void> {
    try {
      call.resolve(await unpack(packed, sharing.parent!));
    } catch (error) {
      this.#reject(call, error as Error);
    }
  }

  /** A job must end: what it waits for is rejected with the reason, of which it has been told. */
  told(reason: Error): void {
    this.#told.add(reason);
  }

  /** Rejects the calls that must end with a job, up to the one with this number. */
  end(job: Waiting, last: number, reason: Error): void {
    for (const call of this.#open.values()) {
      if (call.job !== job || call.id > last) continue;
      this.#open.delete(call.id);
      call.reject(reason);
    }
  }

  /**
   * What is to be done about a rejection that nobody awaited.
   *
   * @param reason What was rejected with: anything, also what throws when it is looked at.
   * @returns `"told"` if that needs no report, the number of its job if it is a call's (0 for none),
   * `undefined` if it is none of these.
   */
  unawaited(reason: unknown): "told" | number | undefined {
    const error = reason as object;
    if (this.#told.has(error)) return "told";
    if (!this.#rejections.has(error)) return undefined;
    this.#told.add(error);
    return this.#rejections.get(error)?.id ?? 0;
  }

  /** Notes what something else was rejected with, for a job. */
  rejected(error: object, job: Waiting | undefined): void {
    this.#rejections.set(error, job);
  }

  #new_call(job?: Waiting): [number, Call] {
    const { promise, resolve, reject } = RemotePromise.withResolvers<unknown>();
    const id = ++this.last;
    const call: Call = { id, promise: promise as RemotePromise<unknown>, resolve, reject, job };
    this.#open.set(id, call);
    return [id, call];
  }

  #reject(call: Call, error: Error): void {
    this.#rejections.set(error, call.job);
    call.reject(error);
  }
}
