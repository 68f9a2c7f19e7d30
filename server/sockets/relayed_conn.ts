import type { ByteConn } from "./byte_conn.ts";

/** What is called of a relayed connection in the thread that has it. */
export const RELAYED = [
  "recv",
  "sendall",
  "closeWrite",
  "close",
  "setNoDelay",
  "setKeepAlive",
  "ref",
  "unref",
] as const;

/** The name of one of them. */
export type Relayed = typeof RELAYED[number];

/** Calls a method of a relayed connection in the thread that has it. */
export type Call = (method: Relayed, args: unknown[]) => Promise<unknown>;

/**
 * A connection that stays in the thread that has it: each read and write is a call there, answered when
 * it is done, so that neither side can run ahead of the other.
 */
export class RelayedConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  #call: Call;

  /**
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   * @param call Calls a method there.
   */
  constructor(localAddr: Deno.Addr, remoteAddr: Deno.Addr, call: Call) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.#call = call;
  }

  async read(p: Uint8Array): Promise<number | null> {
    const bytes = await this.#call("recv", [p.length]) as Uint8Array;
    p.set(bytes);
    return bytes.length || null;
  }

  async write(p: Uint8Array): Promise<number> {
    // Cloning a view would clone all that is behind it.
    await this.#call("sendall", [p.byteLength < p.buffer.byteLength ? p.slice() : p]);
    return p.length;
  }

  async closeWrite(): Promise<void> {
    await this.#call("closeWrite", []);
  }

  close(): void {
    this.#tell("close");
  }

  setNoDelay(no_delay?: boolean): void {
    this.#tell("setNoDelay", no_delay);
  }

  setKeepAlive(keep_alive?: boolean): void {
    this.#tell("setKeepAlive", keep_alive);
  }

  ref(): void {
    this.#tell("ref");
  }

  unref(): void {
    this.#tell("unref");
  }

  /** A call whose outcome nobody waits for. */
  #tell(method: Relayed, ...args: unknown[]): void {
    this.#call(method, args).catch(() => {});
  }
}
