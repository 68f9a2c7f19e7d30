/**
 * What a call to another thread gives. To take it for the value itself is the usual mistake, so it
 * refuses to become text or a number: without that, a client would be sent `[object Promise]`.
 *
 * @typeParam T The type of the value.
 */
export class RemotePromise<T> extends Promise<T> {
  #called = "";

  /** What `then()` gives is a promise like any other. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Says what was called, for the errors. */
  named(called: string): this {
    this.#called = called;
    return this;
  }

  /** @throws {TypeError} Always. */
  [Symbol.toPrimitive](): never {
    throw this.#not_awaited();
  }

  /** @throws {TypeError} Always. */
  toJSON(): never {
    throw this.#not_awaited();
  }

  #not_awaited(): TypeError {
    return new TypeError(`Cannot use the promise of ${this.#called}() as its value: await it`);
  }
}
