/**
 * The names under which the server classes of this library talk to each other: symbols, so that no
 * subclass of a user's can have one of them by accident.
 *
 * @module
 */

/** What runs the requests of a server: a mix-in says so. */
export const make_runner: unique symbol = Symbol("make_runner");

/** Throws if the server cannot serve yet. */
export const check_ready: unique symbol = Symbol("check_ready");

/** Shows the handler of a request here that it must come to its end. */
export const interrupt_request: unique symbol = Symbol("interrupt_request");

/** Takes note of a request that was accepted, before an override of `get_request()` has it. */
export const accepted: unique symbol = Symbol("accepted");

/** Reports an error that belongs to no request. */
export const report: unique symbol = Symbol("report");

/** Tells the observer. */
export const observation: unique symbol = Symbol("observation");

/** How many bytes a request was here. */
export const traffic: unique symbol = Symbol("traffic");

/** Begins TLS with the client of a request; `undefined` where there is nothing to wait for. */
export const secure_request: unique symbol = Symbol("secure_request");

/** The terms on which a server's connections are secured, if it speaks TLS. */
export const tls_terms: unique symbol = Symbol("tls_terms");

/** Has workers secure connections on other terms from now on. */
export const renew_tls: unique symbol = Symbol("renew_tls");
