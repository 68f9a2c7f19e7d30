/** Much over TLS that nobody reads: it waits with who sends it. */
import { assert, assertEquals } from "@std/assert";
import { connect_tls } from "../fixtures/certificates/certificates.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { checksum, HEAVY, type Heavy } from "../fixtures/handlers/tls_handlers.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { bytes_of, pattern, read_bytes, write_bytes } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const NAMES = ["AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"];
/** How much more memory a server may have meanwhile, in bytes. */
const MAX_GROWN = 8 * 1_048_576;
/** How long, in ms, nothing moves when it is held back. */
const STILL = 300;

function test_each(name: string, run: (address: Deno.NetAddr) => Promise<void>): void {
  const start = async (name: string) => {
    await using program = new Program("run", "-A", "tests/fixtures/programs/tls_server.ts", name);
    await run(JSON.parse(await program.line()));
  };
  Deno.test(
    `${NAMES.join(", ")}: ${name}`,
    { ignore: Deno.build.os !== "linux" },
    () => at_once(NAMES, (name) => name, start),
  );
}

/** Lets the handlers of a server go on. */
async function go({ port }: Deno.NetAddr): Promise<void> {
  using client = new LineClient(await connect_tls({ port } as Deno.NetAddr));
  await client.ask("go");
}

/** Resolves when a count does not grow any more. */
async function still(count: () => number): Promise<number> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, STILL));
  }
  return count();
}

function check({ grown, ...seen }: Heavy, wanted: Omit<Heavy, "grown">): void {
  assertEquals(seen, wanted);
  assert(grown < MAX_GROWN, `it has ${(grown / 1_048_576).toFixed(1)} MiB more`);
}

test_each("64 MiB to a handler that does not read", async (address) => {
  const bytes = pattern(HEAVY);
  const conn = await connect_tls(address);
  using client = new LineClient(conn);
  await client.send("take");
  let sent = 0;
  const sending = (async () => {
    for (; sent < HEAVY; sent += 65_536) {
      await write_bytes(conn, bytes.subarray(sent, sent + 65_536));
    }
    await conn.closeWrite();
  })();
  assert(await still(() => sent) < HEAVY, "nobody was held back");
  await go(address);
  await soon(sending);
  check(JSON.parse((await client.line())!), { length: HEAVY, sha256: checksum(bytes) });
});

test_each("64 MiB to a client that does not read", async (address) => {
  const bytes = pattern(HEAVY);
  const conn = await connect_tls(address);
  await write_bytes(conn, bytes_of("give\n"));
  // It has written what it can by then.
  await new Promise((resolve) => setTimeout(resolve, 2 * STILL));
  await go(address);
  assertEquals(checksum(await read_bytes(conn, HEAVY)), checksum(bytes));
  using client = new LineClient(conn);
  check(JSON.parse((await client.line())!), { length: HEAVY, sha256: checksum(bytes) });
});
