import { ask_now } from "../../internal/runtime/blocking.ts";
import { absolute_path, is_abstract } from "../address.ts";

/** A socket that is younger, in ms, may be one at which somebody is about to listen. */
const YOUNG = 1000;
/** How long that may take, in ms. */
const BIND_TO_LISTEN = 10;

/** Connects. Nobody accepts where that is refused (connect(2)). */
const CONNECT = `async (path) => {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return "nobody";
  }
  return "somebody";
}`;

/** What tells a file from others, as long as somebody has it open. */
interface FileId {
  dev: number;
  ino: number | null;
  /** When it was made, in ms: the system gives a number again at once. */
  made: number;
  is_socket: boolean | null;
}

/**
 * The path at which a Unix socket listens: taken over from a server that died and left it, and removed
 * at the end, unless it belongs to another server by then.
 */
export class SocketPath {
  #path: string;
  #id: FileId | undefined;
  /** Whether Deno removes the file when the socket closes: that of a stream, not of datagrams. */
  #removed_by_deno: boolean;

  private constructor({ transport, path }: Deno.UnixAddr) {
    this.#path = path;
    this.#removed_by_deno = transport === "unix";
    if (!is_abstract(path)) this.#id = file_id(path);
  }

  /**
   * Binds a socket to a path. Where a file is there already, it is removed if it is a socket at which
   * nobody listens, and the error stands if not.
   *
   * @param addr The path, or an abstract name, and the kind of the socket.
   * @param listen Binds a socket to a path: to the same one, from the root.
   * @returns What `listen` gave, and the path.
   * @throws {Deno.errors.AddrInUse} If somebody listens there, or another file is in the way.
   */
  static bind<T>(addr: Deno.UnixAddr, listen: (path: string) => T): [T, SocketPath] {
    const path = absolute_path(addr);
    const bind = (): [T, SocketPath] => [listen(path), new SocketPath({ ...addr, path })];
    try {
      return bind();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || !remove_stale(path)) throw error;
      return bind();
    }
  }

  /**
   * Closes the listener, and sees that afterwards the path is gone if it was its own, and there if it
   * is another's: Deno would remove either.
   *
   * @param close Closes the listener.
   */
  async release(close: () => void | Promise<void>): Promise<void> {
    if (!this.#id) return await close();
    const now = file_id(this.#path);
    const foreign = now !== undefined && !same(now, this.#id);
    const kept = foreign ? keep(this.#path) : undefined;
    // Not after closing: another server may be there by then, even with the same number.
    if (now && !foreign && !this.#removed_by_deno) remove(this.#path);
    await close();
    if (kept) restore(kept, this.#path);
  }

  /**
   * Closes the listener while its socket lives on in another descriptor, and keeps the path.
   *
   * @param close Closes the listener.
   * @returns Whether it was closed: not where the path could not be kept.
   */
  outlive(close: () => void): boolean {
    const kept = this.#id && this.#removed_by_deno ? keep(this.#path) : undefined;
    if (this.#id && this.#removed_by_deno && !kept) return false;
    close();
    if (kept) restore(kept, this.#path);
    this.#removed_by_deno = false;
    return true;
  }
}

/** Another name for a file, under which it outlives its path; none where that is not permitted. */
function keep(path: string): string | undefined {
  const name = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.linkSync(path, name);
    return name;
  } catch {
    return undefined;
  }
}

/** Gives a file its path again, if that is free now. */
function restore(kept: string, path: string): void {
  try {
    Deno.linkSync(kept, path);
  } catch {
    // Nobody removed it, or another server is there already.
  }
  remove(kept);
}

/** Removes the socket of a server that has died; says whether the path is free now. */
function remove_stale(path: string): boolean {
  if (is_abstract(path)) return false;
  const before = file_id(path);
  // The socket that was there has gone.
  if (!before) return true;
  if (!before.is_socket) return false;
  // Somebody may be about to listen, who has only bound it.
  if (Date.now() - before.made < YOUNG) pause(BIND_TO_LISTEN);
  if (somebody_listens(path)) return false;
  const now = file_id(path);
  // Somebody else may have done the same, and listen there now.
  if (!now || !same(before, now)) return false;
  return remove(path);
}

/** Stops this thread for a while, as binding cannot wait otherwise. */
function pause(delay: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delay);
}

/** Whether a server accepts at the path, or does not say so in time. */
function somebody_listens(path: string): boolean {
  return ask_now(CONNECT, path) !== "nobody";
}

function file_id(path: string): FileId | undefined {
  try {
    const { dev, ino, mtime, isSocket } = Deno.lstatSync(path);
    return { dev, ino, made: Number(mtime), is_socket: isSocket };
  } catch {
    return undefined;
  }
}

function same(one: FileId, other: FileId): boolean {
  return one.dev === other.dev && one.ino === other.ino && one.made === other.made;
}

function remove(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch {
    return false;
  }
}
