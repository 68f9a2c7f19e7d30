import { C, type Functions, open_libc } from "./libc.ts";
import { system_error } from "./system_error.ts";

/** The library, as long as somebody uses it: how many do. */
let library: ReturnType<typeof open_libc> | undefined;
let users = 0;

/** Who uses the C library: it is closed when nobody does any more. */
export class LibcUser implements Disposable {
  readonly functions: Functions;
  #errno_at: bigint;
  #errno = new Int32Array(new ArrayBuffer(128), 0, 1);
  #is_over = false;

  /** Opens the library, unless somebody has done so. Throws as {@linkcode open_libc}. */
  constructor() {
    library ??= open_libc();
    users++;
    this.functions = library.symbols;
    this.#errno_at = this.functions.errno_location();
  }

  /** Why the last call failed: to be asked at once. */
  get errno(): number {
    this.functions.copy_in(this.#errno, this.#errno_at, 4n);
    return this.#errno[0]!;
  }

  /**
   * Looks at what a function gave.
   *
   * @param result -1 if it failed.
   * @param what What failed then, for the error.
   */
  check(result: number, what: string): number {
    if (result >= 0) return result;
    throw system_error(this.errno, what);
  }

  /** Sets an option of a socket: an `int`, or a structure. */
  set_option(fd: number, level: number, name: number, value: number | Uint8Array, what: string) {
    const bytes = typeof value === "number" ? int(value) : value;
    this.check(this.functions.setsockopt(fd, level, name, bytes, bytes.length), what);
  }

  /** An option of a socket that is an `int`. */
  option(fd: number, name: number): number {
    const value = int(0);
    const { functions } = this;
    this.check(functions.getsockopt(fd, C.SOL_SOCKET, name, value, int(4)), `descriptor ${fd}`);
    return new Int32Array(value.buffer, 0, 1)[0]!;
  }

  /** To be called when all calls are over. */
  [Symbol.dispose](): void {
    if (this.#is_over) return;
    this.#is_over = true;
    if (--users > 0) return;
    library?.close();
    library = undefined;
  }
}

/** An `int` in memory. */
export function int(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}
