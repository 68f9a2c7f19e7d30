/** Clients that begin a line and do not end it: what waits takes about as much memory as it has bytes. */
import { assert, assertEquals } from "@std/assert";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { FaultServer } from "../fixtures/programs/fault_server.ts";
import { LONG, soon, until } from "../fixtures/tools/waiting.ts";
import { write_bytes } from "../fixtures/tools/bytes.ts";

const CLIENTS = 600;
/** The longest unfinished line that is no error yet, in bytes. */
const LENGTH = 65_535;
const KIB = 1024;

/** How much memory each may take, in bytes: some hold one of 256 large buffers for reading, too. */
const BOUND = 112 * KIB;

for (const name of ["AsyncTCPServer", "ThreadingTCPServer"]) {
  for (const piece of [LENGTH, 1500]) {
    Deno.test(`${name} holds ${CLIENTS} unfinished lines, in pieces of ${piece} bytes`, async () => {
      await using server = await FaultServer.start(name, { max_workers: 1 });
      const { address } = server;
      const buffers = async () => Number(await soon(ask(address, "!tells its buffers")));
      await using stack = new AsyncDisposableStack();
      const clients: LineClient[] = [];
      for (let count = 0; count < CLIENTS; count++) {
        const client = stack.use(await LineClient.connect(address));
        assertEquals(await soon(client.ask("hello")), "HELLO");
        clients.push(client);
      }
      const before = await buffers();
      for (let at = 0; at < LENGTH; at += piece) {
        const bytes = new Uint8Array(Math.min(piece, LENGTH - at)).fill(120);
        await soon(Promise.all(clients.map(({ conn }) => write_bytes(conn, bytes))), LONG);
      }
      await until(async () => await buffers() - before >= CLIENTS * LENGTH);
      const each = (await buffers() - before) / CLIENTS;
      assert(each < BOUND, `Each takes ${Math.round(each / KIB)} KiB`);
    });
  }
}
