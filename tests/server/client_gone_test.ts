/** What the signal of a handler says of a client that goes away. */
import { assertEquals } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import type { RequestHandlerConstructor } from "../../mod.ts";
import {
  HalfClosedHandler,
  WaitingHandler,
  WritingHandler,
} from "../fixtures/handlers/gone_handlers.ts";
import { read_to_end, text_of } from "../fixtures/tools/bytes.ts";
import { type CountingServer, make_counting, test_each_way } from "../fixtures/servers/all_ways.ts";
import type { Way } from "../fixtures/servers/tcp_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** A client that can reset its connection. */
async function connect({ server_address }: CountingServer): Promise<net.Socket> {
  const { hostname, port } = server_address as Deno.NetAddr;
  const client = net.connect(port, hostname);
  await soon(once(client, "connect"));
  return client;
}

/** A client resets its connection, and the handler is told. */
async function is_told_of_reset(way: Way, Handler: RequestHandlerConstructor): Promise<void> {
  await using server = serving(make_counting(way, Handler));
  const client = await connect(server);
  await until(() => server.inside === 1);
  client.resetAndDestroy();
  await until(() => server.inside === 0);
  await until(() => server.info().active === 0);
}

test_each_way(
  "the signal says that the client has reset the connection while the handler waits elsewhere",
  ({ workers, relay }) => workers && !relay,
  (way) => is_told_of_reset(way, WaitingHandler),
);

test_each_way(
  "the signal says that the client is gone when a write fails",
  ({ relay, concurrent }) => !relay && concurrent,
  (way) => is_told_of_reset(way, WritingHandler),
);

test_each_way(
  "the signal says nothing of a client that has sent FIN and waits for its answer",
  ({ relay }) => !relay,
  async (way) => {
    await using server = serving(make_counting(way, HalfClosedHandler));
    const { hostname, port } = server.server_address;
    using client = await Deno.connect({ hostname, port });
    await client.write(new Uint8Array(10));
    await client.closeWrite();
    assertEquals(text_of(await soon(read_to_end(client))), "false\n");
  },
);
