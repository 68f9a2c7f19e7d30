import { is_pending } from "../../internal/runtime/pending.ts";

/**
 * What a `get_request()` threw.
 *
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 */
export class AcceptFailure<Request = unknown, Address = unknown> {
  readonly error: unknown;
  /** What it had accepted before, if anything: the failure is that of this request only. */
  readonly accepted: [Request, Address] | undefined;

  constructor(error: unknown, accepted: [Request, Address] | undefined) {
    this.error = error;
    this.accepted = accepted;
  }
}

/**
 * Asks for one request after the other, and keeps what has come until it is taken: a call of
 * `get_request()` that still waits when serving stops is there for the next time.
 *
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 */
export class Intake<Request, Address> {
  #get_request: () => [Request, Address] | Promise<[Request, Address]>;
  #arrived: () => void;
  /** Whether a call is under way, or what it brought not taken yet. */
  #asked = false;
  #arrival: [Request, Address] | AcceptFailure<Request, Address> | undefined;
  /** What was accepted for the call under way, and may be on its way through an override. */
  #accepted: [Request, Address] | undefined;
  /** Whether that was withdrawn from the call, so that what it brings counts for nothing. */
  #withdrawn = false;

  /**
   * @param get_request Gets a request.
   * @param arrived Called when something has come.
   */
  constructor(
    get_request: () => [Request, Address] | Promise<[Request, Address]>,
    arrived: () => void,
  ) {
    this.#get_request = get_request;
    this.#arrived = arrived;
  }

  /** Whether something has come. */
  get ready(): boolean {
    return this.#arrival !== undefined;
  }

  /** Asks for a request, unless one is asked for or there already. */
  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const request = this.#get_request();
      if (is_pending(request)) request.then(this.#keep, this.#fail);
      else this.#keep(request);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes what has come, if anything. */
  take(): [Request, Address] | AcceptFailure<Request, Address> | undefined {
    const arrival = this.#arrival;
    if (arrival === undefined) return undefined;
    this.#arrival = this.#accepted = undefined;
    this.#asked = false;
    return arrival;
  }

  /** Takes note of what was accepted. */
  accepted(pair: [Request, Address]): [Request, Address] {
    return this.#accepted = pair;
  }

  /** Takes what was accepted for the call under way, if anything, although the call is not over. */
  withdraw(): [Request, Address] | undefined {
    const accepted = this.ready ? undefined : this.#accepted;
    if (accepted) this.#withdrawn = true;
    this.#accepted = undefined;
    return accepted;
  }

  #keep = (taken: unknown): void => {
    if (this.#withdrawn) return;
    if (!Array.isArray(taken)) return this.#fail(no_request(taken));
    this.#arrival = taken as [Request, Address];
    this.#arrived();
  };

  #fail = (error: unknown): void => {
    if (this.#withdrawn) return;
    this.#arrival = new AcceptFailure(error, this.#accepted);
    this.#arrived();
  };
}

/** What is wrong with what a `get_request()` gave, in a program that is not type-checked. */
function no_request(taken: unknown): TypeError {
  // Some values throw when they are made into text, and nobody would catch that here.
  const given = Deno.inspect(taken);
  return new TypeError(`get_request() must give [request, client_address]: ${given}`);
}
