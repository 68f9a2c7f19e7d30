import { createClient, ErrorReply, type RedisClientOptions } from "@redis/client";

/** A client of Redis, as this package uses it. */
export type Client = ReturnType<typeof make_client>;

/** What a connection is told. */
export interface ConnectionSettings {
  /** Where Redis is, and how to log in. */
  options: RedisClientOptions;
  /** What is done first, each time that the connection is there. */
  greet: (client: Client) => Promise<unknown>;
  /** Takes what happens to the connection: once for each time that it is lost. */
  report: (error: Error) => void;
  /** How long Redis may give no answer, in ms: then the network has died, or Redis. 30 s unless told. */
  silence?: number;
}

/** How a call is made. */
export interface CallOptions {
  /** Whether to make it again if the connection ends before the answer has come. */
  again: boolean;
  /** Ends the wait for a connection; a call that was sent goes on. */
  signal?: AbortSignal | undefined;
}

/** How long Redis may give no answer unless told, in ms, and how often it is asked for one in this time. */
const SILENCE = 30_000;
const PINGS = 3;

/** How long a connection waits until it is tried again, in ms: doubled each time, with some chance. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** A connection to Redis that is made again when it is lost. Calls wait until it is there. */
export class Connection {
  #client: Client;
  #settings: Required<ConnectionSettings>;
  /** The life of the connection that was greeted. */
  #greeted: number | undefined;
  /** Those who wait for that. */
  #waiters: Set<PromiseWithResolvers<void>> = new Set();
  #meeting: Promise<void> | undefined;
  /** Resolves when the state of the client may be another. */
  #change = Promise.withResolvers<void>();
  /** Why there will be no connection any more. */
  #end: Error | undefined;
  /** Why nobody waits for one any more. */
  #leaving: Error | undefined;
  /** Ends with the last try to make the connection. */
  #staying: Promise<void>;
  /** Why the connection ended. */
  #lost = Promise.withResolvers<Error>();
  /** Goes off when there was no answer for too long. */
  #silence: ReturnType<typeof setTimeout> | undefined;
  #is_reported = false;

  constructor(settings: ConnectionSettings) {
    this.#settings = { silence: SILENCE, ...settings };
    this.#client = make_client(settings.options, this.#settings.silence);
    this.#client.on("ping-interval", () => this.#hear());
    this.#client.on("terminated", (error: Error) => this.#lost.resolve(error));
    // It says so twice.
    this.#client.on("error", () => {});
    this.#staying = this.#stay();
  }

  /** Makes the connection, again and again. The client's own way has timers that go on when it is closed. */
  async #stay(): Promise<void> {
    for (let tries = 0; !this.#end; tries++) {
      const cause = await this.#connect_once(() => tries = 0);
      if (this.#end) return;
      if (is_hopeless(cause)) return this.#over(cause);
      this.#tell(cause);
      await this.#changed_within(pause_after(tries));
    }
  }

  /** Resolves at the end of the connection, with why it ended or could not be made. */
  async #connect_once(connected: () => void): Promise<Error> {
    this.#lost = Promise.withResolvers();
    try {
      await this.#client.connect();
    } catch (error) {
      return error as Error;
    }
    connected();
    this.#changed();
    this.#hear();
    const cause = await this.#lost.promise;
    clearTimeout(this.#silence);
    return cause;
  }

  /** There was an answer. The client's own clock begins again with each call, answered or not. */
  #hear(): void {
    const { silence } = this.#settings;
    clearTimeout(this.#silence);
    if (!this.#client.isReady) return;
    this.#silence = setTimeout(() => {
      this.#client.destroy();
      this.#lost.resolve(new Error(`There was no answer for ${silence} ms`));
    }, silence);
  }

  /**
   * Makes a call.
   *
   * @throws {Deno.errors.ConnectionReset} If the connection ended before the answer came, and the call is not made
   * again.
   */
  async call<R>(send: (client: Client) => Promise<R>, { again, signal }: CallOptions): Promise<R> {
    for (;;) {
      if (!this.#is_met) await this.meet(signal);
      signal?.throwIfAborted();
      try {
        return await send(this.#client);
      } catch (error) {
        if (this.#end) throw this.#end;
        if (error instanceof ErrorReply) {
          if (!is_unready(error) && !is_forgotten(error)) throw error;
          this.#greeted = undefined;
        } else if (this.#is_met) {
          throw error;
        } else if (!again) {
          const message = "The connection to Redis ended before the answer came";
          throw new Deno.errors.ConnectionReset(message, { cause: error });
        }
      }
    }
  }

  get #is_met(): boolean {
    return this.#client.isReady && this.#greeted === this.#client.socketEpoch;
  }

  /** Waits until the connection is there and greeted, or a signal ends that. Who has left takes no memory any more. */
  async meet(signal?: AbortSignal): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    const abort = () => waiter.reject(signal!.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.#waiters.add(waiter);
    this.#meeting ??= this.#meet().then(
      () => this.#end_meeting(({ resolve }) => resolve()),
      (error) => this.#end_meeting(({ reject }) => reject(error)),
    );
    try {
      await waiter.promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", abort);
    }
  }

  #end_meeting(tell: (waiter: PromiseWithResolvers<void>) => void): void {
    // First: who is told may call again.
    this.#meeting = undefined;
    this.#waiters.forEach(tell);
  }

  async #meet(): Promise<void> {
    while (!this.#is_met) {
      const end = this.#end ?? this.#leaving;
      if (end) throw end;
      if (!this.#client.isReady) {
        await this.#change.promise;
        continue;
      }
      const epoch = this.#client.socketEpoch;
      try {
        await this.#settings.greet(this.#client);
        this.#greeted = epoch;
      } catch (error) {
        // It was cut meanwhile.
        if (!this.#client.isReady || this.#client.socketEpoch !== epoch) continue;
        if (!(error instanceof ErrorReply && is_unready(error))) throw error;
        await this.#changed_within(FIRST_PAUSE);
      }
    }
    this.#is_reported = false;
  }

  async #changed_within(ms: number): Promise<void> {
    // A race would leave something with the promise, which lasts as long as Redis is away.
    const timer = setTimeout(() => this.#changed(), ms);
    await this.#change.promise;
    clearTimeout(timer);
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  #tell(cause: Error): void {
    if (this.#is_reported) return;
    this.#is_reported = true;
    const message = `There is no connection to Redis: it is tried again (${cause.message})`;
    this.#settings.report(new Error(message, { cause }));
  }

  #over(error: Error): void {
    this.#end ??= error;
    this.#changed();
  }

  /** Has no call wait for a connection any more: those that were sent go on. */
  leave(error: Error): void {
    this.#leaving = error;
    this.#changed();
  }

  /** Ends it. Calls reject with the error. */
  async close(error: Error): Promise<void> {
    this.#over(error);
    this.#lost.resolve(error);
    this.#client.destroy();
    await this.#staying;
    // It may have been about to connect, which nothing stops.
    this.#client.destroy();
  }
}

function make_client(options: RedisClientOptions, silence: number) {
  const { socket } = options;
  return createClient({
    ...options,
    pingInterval: silence / PINGS,
    // The third version of the protocol has messages and answers on one connection.
    RESP: 3,
    // Calls wait here, and know so whether they were sent.
    disableOfflineQueue: true,
    // Would look up names, and variables of the environment.
    maintNotifications: "disabled",
    // Else each call has a clock, for the time until it is sent.
    commandOptions: { ...options.commandOptions, timeout: 0 },
    // For the greeting of Redis.
    socket: { ...socket, socketTimeout: silence, reconnectStrategy: false },
  } as RedisClientOptions);
}

/** Whether Redis refuses who we are or has no such database, or Deno to go there: that does not get better. */
function is_hopeless(cause: Error): boolean {
  if (cause instanceof Deno.errors.NotCapable) return true;
  return cause instanceof ErrorReply && /WRONGPASS|NOAUTH|NOPERM|DB index/.test(cause.message);
}

/** How long to wait before the next try. */
function pause_after(tries: number): number {
  return Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
}

/** Whether Redis answers nothing yet: it reads what it has, or waits for who has it. Nothing was done then. */
function is_unready({ message }: Error): boolean {
  return /^(LOADING|MASTERDOWN|BUSY) /.test(message);
}

/** Whether the scripts or the group are there no more: somebody deleted them. */
function is_forgotten({ message }: Error): boolean {
  return /NOSCRIPT|NOGROUP|UNBLOCKED/.test(message);
}
