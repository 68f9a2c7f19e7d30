/**
 * What socks5_proxy.ts makes of two connections. It knows nothing of the protocol.
 *
 * @module
 */
import type { StreamSocket } from "../mod.ts";

/**
 * Passes bytes on in both directions. When one direction ends, the other one goes on.
 *
 * @param signal It ends both at once.
 * @param idle_timeout After once to twice this time in which nothing passed, either way, both end.
 * @throws {Deno.errors.TimedOut} Then.
 */
export async function tunnel(
  one: StreamSocket,
  other: StreamSocket,
  signal: AbortSignal,
  idle_timeout: number,
): Promise<void> {
  // One of the two may listen for hours while the other one speaks.
  for (const side of [one, other]) side.settimeout(null);
  const idle = new AbortController();
  let passed = false;
  const clock = setInterval(() => {
    if (!passed) idle.abort(new Deno.errors.TimedOut("Nothing passed through a tunnel"));
    passed = false;
  }, idle_timeout);
  const noted = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, next) {
        passed = true;
        next.enqueue(chunk);
      },
    });
  const either = { signal: AbortSignal.any([signal, idle.signal]) };
  try {
    await Promise.all([
      one.readable.pipeThrough(noted()).pipeTo(other.writable, either),
      other.readable.pipeThrough(noted()).pipeTo(one.writable, either),
    ]);
  } finally {
    clearInterval(clock);
  }
}
