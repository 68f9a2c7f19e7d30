import type { Arrived, ByteSource } from "./byte_source.ts";

/** The size of a connection's first read buffer, in bytes: an idle connection costs no more. */
const MIN_BUFFER = 4096;
/** What the buffer grows to when reads fill it, in bytes. */
const MAX_BUFFER = 65_536;

const EMPTY = new Uint8Array(0);

/** Reads from a `Deno.Conn`, which wants to be given a buffer for that. */
export class ConnSource implements ByteSource {
  #conn: Pick<Deno.Conn, "read">;
  #buffer: Uint8Array = EMPTY;
  #size = MIN_BUFFER;
  #arrived: Arrived | undefined;

  /** @param conn What it reads from. */
  constructor(conn: Pick<Deno.Conn, "read">) {
    this.#conn = conn;
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    this.#arrived = arrived;
    if (this.#buffer.length < this.#size) this.#buffer = new Uint8Array(this.#size);
    this.#conn.read(this.#buffer).then(this.#read, failed);
  }

  #read = (count: number | null): void => {
    const buffer = this.#buffer;
    const full = count === buffer.length;
    // A read that filled the buffer had more to give: the next one asks for more.
    if (full) this.#size = Math.min(count * 4, MAX_BUFFER);
    const bytes = count === null ? null : buffer.subarray(0, count);
    const kept = this.#arrived!(bytes, full);
    if (kept && this.#buffer === buffer) this.#buffer = EMPTY;
  };
}

/** What a connection is read from: it may be a source itself. */
export function source_of(conn: Pick<Deno.Conn, "read"> | ByteSource): ByteSource {
  return "pull" in conn ? conn : new ConnSource(conn);
}
