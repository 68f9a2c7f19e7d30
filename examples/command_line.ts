/**
 * What programs of this folder say of a wrong command line, or of what they cannot do: one line.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import type { TlsOptions } from "../mod.ts";

/** The command line is wrong. */
export class UsageError extends Error {}

/** Refuses what a command line has and the program does not know. */
export function refuse_unknown(unknown: string[]): void {
  if (unknown.length === 0) return;
  throw new UsageError(`Unknown: ${unknown.map((word) => word || '""').join(" ")}`);
}

/**
 * The number that an option was given.
 *
 * @param option The option, as it is typed.
 * @param text What it was given.
 * @param from The least that it can be.
 * @param to The most.
 * @throws {UsageError} If it is not such a number.
 */
export function whole_number(option: string, text: string, from: number, to = Infinity): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= from && number <= to) return number;
  const range = to === Infinity ? `from ${from}` : `from ${from} to ${to}`;
  throw new UsageError(`Cannot use ${option} "${text}": it must be a whole number ${range}`);
}

/**
 * The certificate and its key that `--tls` names: `server` is `server.crt` and `server.key`; none without a name.
 *
 * @param ca The certificate of the authority whose clients may come, in a file; without it all may.
 */
export function tls_of(name: string | undefined, ca?: string): TlsOptions | null {
  if (!name) return null;
  const [cert, key] = [pathToFileURL(`${name}.crt`), pathToFileURL(`${name}.key`)];
  return ca ? { cert, key, ca: pathToFileURL(ca), request_client_cert: "required" } : { cert, key };
}

/**
 * Runs a program. What it throws is printed in one line; the exit code is then 2 if the command line
 * is wrong, and else 1.
 *
 * @param usage How it is used.
 * @param main The program.
 */
export async function run(usage: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const is_usage = error instanceof UsageError;
    Deno.exitCode = is_usage ? 2 : 1;
    const line = error instanceof Error ? error.message : String(error);
    console.error(is_usage ? `${line}. ${usage}` : line);
  }
}
