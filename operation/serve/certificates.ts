import { print } from "../../internal/runtime/standard_error.ts";
import type { TCPServer, TlsOptions } from "../../mod.ts";
import { error_line } from "./error_line.ts";
import { file_url } from "./file_url.ts";
import type { TlsOption } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** What the flags of TLS were given, by the options of servers that they stand for: files, and words. */
export type TlsFlags = Partial<Record<TlsOption, unknown>>;

/** The options whose values are files, which are read again when certificates are reloaded. */
const FILES: TlsOption[] = ["cert", "key", "pfx", "ca"];

/**
 * How a server is told to speak TLS.
 *
 * @throws {UsageError} If there is no password in its file.
 */
export function tls_options(flags: TlsFlags): TlsOptions {
  const { passphrase, ca, min_version } = flags;
  const files = FILES.filter((name) => flags[name] !== undefined)
    .map((name) => [name, file_url(flags[name] as string)]);
  return {
    ...(ca !== undefined && { request_client_cert: "required" }),
    ...flags,
    ...Object.fromEntries(files),
    ...(passphrase !== undefined && { passphrase: password_in(passphrase as string) }),
    ...(min_version !== undefined && { min_version: `TLSv${min_version}` }),
  };
}

/** What stands in a file, without the end of its line. */
function password_in(path: string): string {
  try {
    return Deno.readTextFileSync(file_url(path)).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new UsageError(`Cannot use --tls-password-file ${path}: ${error_line(cause)}`, { cause });
  }
}

/** Reads certificates again at SIGHUP, until the block is left. Without TLS that signal ends the program. */
export class Reloading implements Disposable {
  #server: TCPServer;

  /** @param server Speaks TLS. */
  constructor(server: TCPServer) {
    this.#server = server;
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", this.#reload);
  }

  #reload = (): void => {
    try {
      this.#server.reload_tls();
      print("The certificates were read again");
    } catch (error) {
      print(`The certificates stay as they were: ${error_line(error)}`);
    }
  };

  [Symbol.dispose](): void {
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGHUP", this.#reload);
  }
}
