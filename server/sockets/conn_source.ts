import type { Arrived, ByteSource } from "./byte_source.ts";
import { large_buffers } from "./large_buffers.ts";

/** The size of a connection's own read buffer, in bytes: an idle connection costs no more. */
const OWN_BUFFER = 4096;

/** Reads from a `Deno.Conn`, which wants to be given a buffer for that. */
class ConnSource implements ByteSource {
  #conn: Pick<Deno.Conn, "read">;
  #own: Uint8Array | undefined;
  /** What the read that waits was lent, if it was. */
  #lent: Uint8Array | undefined;
  /** Whether there is much to read. */
  #much = false;
  #arrived: Arrived | undefined;
  #failed: ((error: unknown) => void) | undefined;

  /** @param conn What it reads from. */
  constructor(conn: Pick<Deno.Conn, "read">) {
    this.#conn = conn;
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    this.#arrived = arrived;
    this.#failed = failed;
    this.#lent = this.#much ? large_buffers.lend() : undefined;
    const buffer = this.#lent ?? (this.#own ??= new Uint8Array(OWN_BUFFER));
    this.#conn.read(buffer).then(this.#read, this.#not_read);
  }

  #read = (count: number | null): void => {
    const lent = this.#take_lent();
    const buffer = lent ?? this.#own!;
    // As much as the connection's own buffer holds: there may be more.
    this.#much = count !== null && count >= OWN_BUFFER;
    this.#arrived!(count === null ? null : buffer.subarray(0, count));
    large_buffers.take_back(lent);
  };

  #not_read = (error: unknown): void => {
    large_buffers.take_back(this.#take_lent());
    this.#failed!(error);
  };

  #take_lent(): Uint8Array | undefined {
    const lent = this.#lent;
    this.#lent = undefined;
    return lent;
  }
}

/** What a connection is read from: it may be a source itself. */
export function source_of(conn: Pick<Deno.Conn, "read"> | ByteSource): ByteSource {
  return "pull" in conn ? conn : new ConnSource(conn);
}
