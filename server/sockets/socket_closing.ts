import { MAX_TIMER } from "../../internal/runtime/timer.ts";
import type { SocketInput } from "./socket_input.ts";
import type { SocketOutput } from "./socket_output.ts";

/** How much is read at once at the most, in bytes. */
const READ_SIZE = 65_536;
/** The most that is read and thrown away, in bytes. */
const MAX_DISCARD = 1_048_576;

/** What is wanted of a socket. */
interface Socket {
  settimeout(timeout: number | null): void;
  closeWrite(): Promise<void>;
  close(): void;
}

/**
 * Sends FIN, reads and throws away what the peer still sends for at most `linger` ms, then closes: a
 * connection that is closed with unread input is reset, and the reply may be lost with it.
 *
 * @param has_last_word Whether the end is more than FIN, as that of TLS.
 */
export async function close_in_peace(
  socket: Socket,
  input: SocketInput,
  output: SocketOutput,
  has_last_word: boolean,
  linger: number,
): Promise<void> {
  // A read that nobody waits for any more must not become an unhandled rejection.
  input.release();
  // Where the peer has sent FIN already, closing sends ours and nothing can be lost.
  const ended = !has_last_word && input.ended && input.unread.length === 0 && !output.writing;
  if (ended || input.broken || output.stuck || input.closed) return socket.close();
  socket.settimeout(null);
  const force = setTimeout(() => socket.close(), Math.min(linger, MAX_TIMER));
  try {
    await socket.closeWrite();
    if (!input.idle) await discard(input);
  } catch {
    // The peer went away, or stayed silent for too long: all that is left is to close.
  } finally {
    clearTimeout(force);
    socket.close();
  }
}

async function discard(input: SocketInput): Promise<void> {
  let budget = MAX_DISCARD;
  while (budget > 0 && !input.ended) {
    budget -= (await input.read(READ_SIZE, true) as Uint8Array).length;
  }
}
