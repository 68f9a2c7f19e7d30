/** What the program of the README does at SIGTERM, with clients of each kind. */
import { assert, assertEquals } from "@std/assert";
import { read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { LineClient, or_end } from "../fixtures/clients/clients.ts";
import { Task } from "../fixtures/programs/programs.ts";
import { is_pending, soon } from "../fixtures/tools/waiting.ts";

/** The default of `server_close({ grace })`, in ms. */
const GRACE = 5000;

Deno.test({
  name:
    "deno task start at SIGTERM: idle closed at once, busy answered, stuck closed at the deadline",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using task = new Task("start", "--port", "0");
    const [, port] = /:(\d+);/.exec(await soon(task.line()))!;
    const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: Number(port) };
    using idle = await LineClient.connect(address);
    assertEquals(await idle.ask("idle"), "IDLE");
    using busy = await LineClient.connect(address);
    assertEquals(await busy.ask("busy"), "BUSY");
    await busy.conn.write(new TextEncoder().encode("half a line, "));
    using stuck = await LineClient.connect(address);
    const [closed] = await flood(stuck.conn);

    const asked = performance.now();
    task.child.kill("SIGTERM");
    assertEquals(await soon(idle.line()), null);
    const idle_took = performance.now() - asked;
    assert(idle_took < GRACE / 2, `the idle client was closed after ${idle_took} ms`);
    assertEquals(await soon(busy.ask("and the rest")), "HALF A LINE, AND THE REST");
    assertEquals(await soon(busy.line()), null);
    await soon(closed);
    const stuck_took = performance.now() - asked;
    assert(stuck_took >= GRACE - 100, `the stuck client was closed after ${stuck_took} ms`);
    assert(stuck_took < GRACE + 4000, `the stuck client was closed after ${stuck_took} ms`);
    await task.ends_well();
  },
});

/** How long, in ms, a write must wait to be one that waits for the server. */
const LONG = 500;

/**
 * Asks and reads no answer until the server takes no more.
 *
 * @returns Resolves when the connection is closed; in an array, so that nobody awaits that here.
 */
async function flood(conn: Deno.Conn): Promise<[closed: Promise<void>]> {
  // Long lines: many short ones would keep the server busy for a while, and it would not be stuck.
  const line = new TextEncoder().encode(`${"x".repeat(60_000)}\n`);
  for (;;) {
    const written = write_bytes(conn, line);
    if (await is_pending(written, LONG)) {
      return [or_end(written.then(() => read_to_end(conn))).then(() => {})];
    }
    await written;
  }
}
