import type { RedisClientOptions } from "@redis/client";
import { check_names } from "./waits.ts";

/** What a {@linkcode RedisQueue} can be told when it is made. */
export interface RedisQueueOptions {
  /**
   * Where Redis is: `redis://user:password@host:port/database`, `rediss://` with TLS, or `unix:///path/of/socket`.
   *
   * @default {"redis://localhost:6379"}
   */
  url?: string | URL;
  /**
   * In place of `url` a client of `npm:@redis/client` whose settings are used (address, user, TLS with certificates). It
   * does not need to be connected, and is not used itself: a queue makes connections of its own.
   */
  client?: { readonly options?: object | undefined };
  /**
   * How many items the queue has room for; 0 means any number. All who put must give the same.
   *
   * @default {0}
   */
  maxsize?: number;
  /**
   * After which time without a sign of life, in ms, what a consumer took is given to another one. Each consumer gives a
   * sign three times in this time, as long as its event loop turns. All who use the queue must give the same.
   *
   * @default {30000}
   */
  visibility?: number;
  /**
   * How often an item may be taken without being done. Then it is moved to the dead letters.
   *
   * @default {5}
   */
  max_deliveries?: number;
  /**
   * What all keys begin with.
   *
   * @default {"socketserver"}
   */
  namespace?: string;
  /**
   * The consumer group of the stream: one for all who use the queue.
   *
   * @default {"workers"}
   */
  group?: string;
  /** How this consumer is called in the group: no other one may be called so. A random name unless told. */
  consumer?: string;
  /**
   * Takes what goes wrong and is nobody's call: a connection that is lost, an item that was moved to the dead letters or
   * is lost with who got it. `console.error` unless told.
   */
  on_error?: (error: Error) => void;
}

const NAMES: readonly (keyof RedisQueueOptions)[] = [
  "url",
  "client",
  "maxsize",
  "visibility",
  "max_deliveries",
  "namespace",
  "group",
  "consumer",
  "on_error",
];

/** What they are unless told, where that is a value. */
export const DEFAULTS = {
  maxsize: 0,
  visibility: 30_000,
  max_deliveries: 5,
  namespace: "socketserver",
  group: "workers",
};

/** The consumer that has what nobody works on: part of the format. */
const BACK = "back";

/**
 * Checks what a queue is told.
 *
 * @throws {TypeError} If there is an unknown name, or a value has another type.
 * @throws {RangeError} If a number is out of its range.
 */
export function check_options(name: string, options: RedisQueueOptions): void {
  check_names(options, NAMES);
  if (options.url !== undefined && options.client !== undefined) {
    throw new TypeError("Cannot use both url and client: each says where Redis is");
  }
  const { maxsize, visibility, max_deliveries, namespace, group, consumer } = {
    consumer: "a random name",
    ...DEFAULTS,
    ...options,
  };
  for (const [what, text] of Object.entries({ name, namespace, group, consumer })) {
    if (typeof text !== "string" || text === "") {
      throw new TypeError(`Cannot use ${what} = ${Deno.inspect(text)}: it must be a text`);
    }
  }
  if (consumer === BACK) {
    throw new TypeError(`Cannot use consumer = "${BACK}": it is for the queue`);
  }
  if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
    throw new TypeError(`Cannot use maxsize = ${Deno.inspect(maxsize)}: it must be a number`);
  }
  check_whole("visibility", visibility);
  if (max_deliveries !== Infinity) check_whole("max_deliveries", max_deliveries);
}

/** The largest number of ms that a timer takes: 24 days. */
const LARGEST = 2 ** 31 - 1;

function check_whole(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0 && value <= LARGEST) return;
  throw new RangeError(
    `Cannot use ${name} = ${Deno.inspect(value)}: it must be a whole number from 1 to ${LARGEST}`,
  );
}

/** How a connection to Redis is made: new objects, as the client changes them. */
export function client_options({ url, client }: RedisQueueOptions): RedisClientOptions {
  if (!client) return { url: String(url ?? "redis://localhost:6379") };
  const options: RedisClientOptions = client.options ?? {};
  return options.socket ? { ...options, socket: { ...options.socket } } : { ...options };
}
