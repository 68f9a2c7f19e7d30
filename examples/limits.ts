/**
 * What bounds the servers here that listen until they are told to end: nobody knows their clients.
 * docs/internet.md says what each setting is for.
 *
 * @module
 */
import type { ServerOptions } from "../mod.ts";

/** Connections at once, and what happens to the next one: for clients on the same machine. */
export const LOCAL = { max_requests: 1000, overflow: "refuse" } satisfies ServerOptions;

/** The same, and no client takes all of them. */
export const LIMITS = { ...LOCAL, max_requests_per_client: 500 } satisfies ServerOptions;

/** The same where no client has a reason to stay for more than an hour. */
export const BRIEF = { ...LIMITS, request_timeout: 3_600_000 } satisfies ServerOptions;
