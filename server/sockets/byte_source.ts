/**
 * What is done with bytes that were read, with `null` at the end of the input. They are lent, and the
 * source's again when it has returned. Where `is_there` is `true` they are in the target already.
 */
export type Arrived = (bytes: Uint8Array | null, is_there?: boolean) => void;

/** Where a connection's bytes come from. */
export interface ByteSource {
  /**
   * Reads once, into memory that it lends: to copy what came costs less than a new buffer for each
   * read, which would be filled with zeros first.
   *
   * @param arrived Called with what was read, at least one byte.
   * @param failed Called with an error instead.
   * @param target Where the bytes go in the end: it may read into that.
   */
  pull(arrived: Arrived, failed: (error: unknown) => void, target?: Uint8Array): void;
  /** Nothing must go into the target any more: its reader has given up. The read goes on, into other memory. */
  give_up?(): void;
  /**
   * Has it say at once, and not only to the next read, that the peer has reset the connection. A source
   * that knows nothing without reading does not have this.
   *
   * @param gone Called with the error.
   */
  watch?(gone: (error: unknown) => void): void;
  /**
   * How long, in ms, the first bytes may take when the input is ended before them: who has connected is
   * about to send something. 0 where it is not there.
   */
  readonly patience?: number | undefined;
}
