/** What a pool of workers promises, whether they are threads or child processes. */
import { assert, assertEquals } from "@std/assert";
import {
  type DatagramRequest,
  ForkingTCPServer,
  ForkingUDPServer,
  type ServerOptions,
  type TCPServer,
  ThreadingTCPServer,
  ThreadingUDPServer,
  type UDPServer,
} from "../../../mod.ts";
import { UpperPacketHandler } from "../../fixtures/handlers/handlers.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { with_native } from "../../fixtures/servers/named_servers.ts";
import { Noting } from "../../fixtures/servers/noting.ts";
import {
  BadPortHandler,
  CrowdHandler,
  GatedPacketHandler,
  LoopingPacketHandler,
  ManyPacketsHandler,
} from "../../fixtures/handlers/pool_handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS: ServerOptions = { max_workers: 2, max_children: 2, linger: 200 };

for (const Server of [ThreadingTCPServer, ForkingTCPServer] as (typeof TCPServer)[]) {
  Deno.test(`${Server.name}: a worker for one request never has two, in a burst of 20 clients`, async () => {
    class Watched extends Noting(Server) {
      most = 0;

      override note(entry: string): void {
        super.note(entry);
        this.most = Math.max(this.most, ...this.info().workers!.map(({ active }) => active));
      }
    }
    const options = { ...OPTIONS, max_requests_per_worker: 1 };
    await using server = serving(new Watched(HERE, CrowdHandler, options));
    for (let round = 0; round < 3; round++) {
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => LineClient.connect(server.server_address)),
      );
      const answers = await soon(Promise.all(clients.map((client) => client.line())));
      assertEquals(answers, Array(20).fill("1 inside"));
      for (const client of clients) client[Symbol.dispose]();
    }
    assertEquals(new Set(server.log.entries), new Set(["1 inside"]));
    assertEquals(server.log.entries.length, 3 * 20 * 3);
    assertEquals(server.most, 1);
    assertEquals(server.log.errors, []);
  });
}

for (const Server of [ThreadingUDPServer, ForkingUDPServer] as (typeof UDPServer)[]) {
  Deno.test(`${Server.name}: a client is answered to whose address get_request() has added something`, async () => {
    class Zoned extends Server {
      override async get_request(): Promise<[DatagramRequest, Deno.NetAddr]> {
        const [request, address] = await super.get_request();
        return [request, { ...address, zone: "inner" } as Deno.NetAddr];
      }
    }
    await using server = serving(new Zoned(HERE, UpperPacketHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    for (const text of ["short", "x".repeat(2000)]) {
      assertEquals(await client.ask(text), text.toUpperCase());
    }
  });
}

/** A server whose handlers wait until they are let go. */
function Gated(Server: typeof ThreadingUDPServer) {
  return class extends Noting(Server) {
    readonly opened: PromiseWithResolvers<void> = Promise.withResolvers();
    waiting = 0;

    gate(): Promise<void> {
      this.waiting++;
      return this.opened.promise;
    }
  };
}

for (const Server of with_native([ThreadingUDPServer])) {
  Deno.test(`${Server.name} takes no more than request_queue_size datagrams while handlers wait`, async () => {
    const options = { ...OPTIONS, request_queue_size: 4 };
    await using server = serving(new (Gated(Server))(HERE, GatedPacketHandler, options));
    using client = new DatagramClient(server.server_address);
    for (let number = 0; number < 10; number++) await client.send(`${number}`);
    await soon(until(() => server.waiting === 4));
    for (let count = 0; count < 50; count++) await turn();
    assertEquals(server.info().accepted, 4);
    server.opened.resolve();
    const answers = [];
    for (let number = 0; number < 10; number++) {
      answers.push(new TextDecoder().decode(await client.receive()));
    }
    assertEquals(answers.sort(), Array.from({ length: 10 }, (_, number) => `${number}`));
    await soon(until(() => server.info().completed === 10));
  });
}

for (const Server of with_native([ThreadingUDPServer])) {
  Deno.test(`${Server.name}: datagrams that came behind one that never ends are answered, each once`, async () => {
    await using server = serving(new (Noting(Server))(HERE, LoopingPacketHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    for (let round = 0; round < 5; round++) assertEquals(await client.ask("warm"), "warm");
    const packets = Array.from({ length: 40 }, (_, number) => number === 0 ? "loop" : `${number}`);
    await Promise.all(packets.map((packet) => client.send(packet)));
    const answers = [];
    for (const _packet of packets.slice(1)) {
      answers.push(new TextDecoder().decode(await client.receive()));
    }
    assertEquals([...answers, "loop"].sort(), packets.sort());
    await soon(until(() => server.info().active === 1));
    assertEquals(server.info().completed, 5 + 39);
    assertEquals(await soon(server.server_close({ grace: 50 })), { drained: 0, aborted: 1 });
    assertEquals(server.log.errors, []);
  });
}

/** Notes what a server sends, in its order. */
function watch_sends(server: UDPServer): Uint8Array[] {
  const { socket } = server;
  const sent: Uint8Array[] = [];
  const send = socket!.send.bind(socket);
  socket!.send = (data, address) => {
    sent.push(data);
    return send(data, address);
  };
  return sent;
}

function number_in(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

const NUMBERS = Array.from({ length: 1000 }, (_, number) => number);

for (const Server of [ThreadingUDPServer, ForkingUDPServer] as (typeof UDPServer)[]) {
  Deno.test(`${Server.name}: a thousand datagrams of one handler are sent in their order, and none is lost`, async () => {
    await using server = serving(new (Noting(Server))(HERE, ManyPacketsHandler, OPTIONS));
    const sent = watch_sends(server);
    const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    // The system may drop datagrams when the receiver is slow, but it does not swap them here.
    const received: number[] = [];
    const reading = (async () => {
      for await (const [data] of client) received.push(number_in(data));
    })();
    await client.send(new Uint8Array(1), server.server_address);
    await soon(server.log.until(({ entries }) => entries.includes("sent")));
    await soon(until(() => sent.length === 1000));
    client.close();
    await reading;
    assertEquals(sent.map(number_in), NUMBERS);
    assert(received.length > 0);
    assertEquals(received, received.toSorted((one, other) => one - other));
    assertEquals(server.log.errors, []);
  });

  Deno.test(`${Server.name}: sendto() of a bad port rejects in the worker`, async () => {
    await using server = serving(new (Noting(Server))(HERE, BadPortHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    assertEquals(await client.ask("hello"), "hello");
    const outcomes = server.log.entries.filter((entry) => /^pair|^address/.test(entry));
    const expected = outcomes.map((entry) => entry.replace(/: .*/, ": RangeError"));
    assertEquals(outcomes.length, 8);
    assertEquals(outcomes, expected);
    assertEquals(server.log.errors, []);
  });
}
