/** A class of servers with a listener of its own. */
import { assertEquals, assertMatch } from "@std/assert";
import {
  type DatagramListener,
  type DatagramListenOptions,
  ForkingUDPServer,
  ThreadingUDPServer,
  UDPServer,
  type WorkerSender,
} from "../../mod.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { UpperPacketHandler } from "../fixtures/handlers/handlers.ts";
import { serving } from "../fixtures/servers/serving.ts";

const SENDER: WorkerSender = {
  module: new URL("../fixtures/handlers/marking_sender.ts", import.meta.url).href,
  name: "make_marking_sender",
  settings: { mark: "by a worker: " },
};

/** A class whose listener says how workers send; it notes what it is told. */
function marking(Base: typeof UDPServer) {
  return class extends (Base as typeof UDPServer<Deno.NetAddr>) {
    static told: DatagramListenOptions | undefined;

    static override make_listener<A extends Deno.Addr>(
      options: DatagramListenOptions<A>,
    ): DatagramListener<A> {
      this.told = options;
      return Object.assign(super.make_listener(options), { worker_sender: SENDER });
    }
  };
}

/** How a reply begins that a worker has sent. */
const MARKS: [Base: typeof UDPServer, mark: string][] = [
  [UDPServer, ""],
  [ThreadingUDPServer, "by a worker: "],
  // A child has no descriptors of this process.
  [ForkingUDPServer, ""],
];

for (const [Base, mark] of MARKS) {
  Deno.test(`${Base.name}: a listener of its own is told where to listen, and how workers send`, async () => {
    const Server = marking(Base);
    const options = { max_workers: 1, max_children: 1, max_packet_size: 100 };
    await using server = serving(new Server(["127.0.0.1", 0], UpperPacketHandler, options));
    assertEquals(Server.told, {
      addr: { transport: "udp", hostname: "127.0.0.1", port: 0 },
      backlog: 4096,
      max_packet_size: 100,
      broadcast: true,
      groups: [],
      reuse_address: false,
      reuse_port: false,
      inherit: false,
    });
    using client = new DatagramClient(server.server_address);
    assertEquals(await client.ask("hello"), `${mark}HELLO`);
  });
}

Deno.test("UDPServer.refusal_of() says what a listener must not take", () => {
  const own: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 53 };
  const client = { ...own, port: 5353 };
  assertEquals(UDPServer.refusal_of(client, 10, own, 10), undefined);
  assertMatch(`${UDPServer.refusal_of(client, 11, own, 10)}`, /longer than max_packet_size = 10/);
  assertMatch(`${UDPServer.refusal_of({ ...client, port: 0 }, 1, own, 10)}`, /port 0/);
  assertMatch(`${UDPServer.refusal_of(own, 1, own, 10)}`, /from the server itself/);
});
