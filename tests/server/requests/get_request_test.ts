/** What an override of `get_request()` throws: before it has a connection, and after. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AsyncTCPServer,
  type DatagramRequest,
  DatagramRequestHandler,
  type TCPRequest,
  TCPServer,
  ThreadingTCPServer,
} from "../../../mod.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { test_udp } from "../../fixtures/servers/udp_servers.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { ItemServer } from "../../fixtures/servers/items.ts";
import { Noting } from "../../fixtures/servers/noting.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { SOON, soon, turn, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const SERVERS = [TCPServer, AsyncTCPServer, ThreadingTCPServer] as (typeof TCPServer)[];
/** How long the pauses of twelve errors of the server would be, in ms. */
const PAUSES = 5 + 10 + 20 + 40 + 80 + 160 + 320 + 640 + 4 * 1000;

/** What an override can throw for one connection. */
const SPOILERS: Record<string, () => unknown> = {
  "an Error": () => new Error("no preamble"),
  "Interrupted": () => new Deno.errors.Interrupted("operation canceled"),
  "BadResource": () => new Deno.errors.BadResource("closed by the override"),
  "ENOTSOCK": () => Object.assign(new Error("x"), { code: "ENOTSOCK" }),
  "EMFILE": () => Object.assign(new Error("x"), { code: "EMFILE" }),
  "nothing": () => undefined,
};

/** What {@linkcode spoiling} adds to a server. */
interface Spoiled {
  reported: [unknown, unknown, unknown][];
}

/** A server whose `get_request()` throws as long as there is something to throw. */
function spoiling(Server: typeof TCPServer, errors: unknown[]) {
  return class extends Server implements Spoiled {
    reported: [unknown, unknown, unknown][] = [];

    override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
      const pair = await super.get_request();
      if (errors.length > 0) throw errors.shift();
      return pair;
    }

    override handle_error(request: unknown, address: unknown, error: unknown): void {
      this.reported.push([request, address, error]);
    }
  };
}

for (const Server of SERVERS) {
  for (const [name, make] of Object.entries(SPOILERS)) {
    Deno.test(`${Server.name}: get_request() that throws ${name} after accepting closes that connection only`, async () => {
      const error = make();
      const Spoiling = spoiling(Server, [error]);
      await using server = serving(
        new Spoiling(HERE, UpperHandler, { max_workers: 1, linger: 50 }),
      );
      using bad = await LineClient.connect(server.server_address);
      assertEquals(await line_or_end(bad), null);
      {
        using good = await LineClient.connect(server.server_address);
        assertEquals(await soon(good.ask("good")), "GOOD");
      }
      const [request, address, reported] = server.reported[0]!;
      assert(request instanceof Object);
      assertEquals((address as Deno.NetAddr).port, (bad.conn.localAddr as Deno.NetAddr).port);
      assert(Object.is(reported, error));
      await soon(until(() => server.info().completed === 1));
      const { state, accepted, failed, active } = server.info();
      assertEquals({ state, accepted, failed, active }, {
        state: "serving",
        accepted: 2,
        failed: 1,
        active: 0,
      });
      assertEquals(server.reported.length, 1);
    });
  }

  Deno.test(`${Server.name}: get_request() that throws for 12 clients in a row does not pause`, async () => {
    const errors = Array.from({ length: 12 }, () => new Error("no preamble"));
    const Spoiling = spoiling(Server, errors);
    await using server = serving(new Spoiling(HERE, UpperHandler, { max_workers: 1, linger: 0 }));
    const start = performance.now();
    for (let number = 0; number < 12; number++) {
      using bad = await LineClient.connect(server.server_address);
      assertEquals(await line_or_end(bad), null);
    }
    using good = await LineClient.connect(server.server_address);
    assertEquals(await soon(good.ask("good")), "GOOD");
    const took = performance.now() - start;
    assert(took < PAUSES / 2, `it took ${took} ms`);
    assertEquals(server.reported.length, 12);
  });

  Deno.test(`${Server.name}: get_request() that closes a slow client serves the next one`, async () => {
    class Preamble extends Noting(Server) {
      override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
        const [request, address] = await super.get_request();
        const deadline = setTimeout(() => request.close(), 50);
        try {
          await request.recv(100);
        } finally {
          clearTimeout(deadline);
        }
        return [request, address];
      }
    }
    await using server = serving(new Preamble(HERE, UpperHandler, { max_workers: 1, linger: 50 }));
    using silent = await LineClient.connect(server.server_address);
    assertEquals(await line_or_end(silent), null);
    using second = await LineClient.connect(server.server_address);
    await second.send("preamble");
    await soon(until(() => server.info().active === 1));
    assertEquals(await soon(second.ask("second")), "SECOND");
    assertEquals(server.info().state, "serving");
    assertEquals(server.log.errors.length, 1);
  });

  for (const name of ["Interrupted", "BadResource", "an Error"]) {
    Deno.test(`${Server.name}: get_request() that throws ${name} before accepting pauses, and goes on`, async () => {
      let calls = 0;
      let spoilt = true;
      class Throwing extends Noting(Server) {
        override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
          calls++;
          if (spoilt) throw SPOILERS[name]!();
          return await super.get_request();
        }
      }
      await using server = serving(
        new Throwing(HERE, UpperHandler, { max_workers: 1, linger: 50 }),
      );
      using client = await LineClient.connect(server.server_address);
      const start = performance.now();
      await soon(until(() => calls >= 6));
      assert(performance.now() - start >= 5 + 10 + 20 + 40 + 80 - 10, "it did not pause");
      spoilt = false;
      assertEquals(await soon(client.ask("good")), "GOOD");
      assertEquals(server.log.errors.length, 1);
    });
  }

  Deno.test(`${Server.name}: a socket that the program closes ends serve_forever(), whatever get_request() throws`, async () => {
    const accepted = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    class Waiting extends Noting(Server) {
      override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
        await super.get_request();
        accepted.resolve();
        await gate.promise;
        throw new Error("no preamble");
      }
    }
    const server = new Waiting(HERE, UpperHandler, { max_workers: 1, linger: 50 });
    const loop = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    await soon(accepted.promise);
    await server.socket!.close();
    gate.resolve();
    await soon(loop);
    assertEquals(await line_or_end(client), null);
    await server.server_close();
    assertEquals(server.info().failed, 1);
  });
}

class PacketHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

test_udp("get_request() that throws for 12 datagrams in a row does not pause", async (way) => {
  await using server = serving(way.make(PacketHandler));
  const { get_request } = server;
  const addresses: unknown[] = [];
  server.get_request = async () => {
    const pair = await (Reflect.apply(get_request, server, []) as Promise<
      [DatagramRequest, Deno.NetAddr]
    >);
    if (pair[0][0][0] === 120) throw new RangeError("unsigned"); // "x"
    return pair;
  };
  server.handle_error = (_request, address, error) => {
    addresses.push(address);
    server.log.add_error(error);
  };
  using client = new DatagramClient(server.server_address);
  const start = performance.now();
  // The call that waits already is not the override's.
  assertEquals(await client.ask("first"), "first");
  for (let number = 0; number < 12; number++) await client.send("x");
  assertEquals(await client.ask("good"), "good");
  const took = performance.now() - start;
  assert(took < PAUSES / 2, `it took ${took} ms`);
  assertEquals(server.log.errors.length, 12);
  assertEquals(addresses, Array(12).fill(client.addr));
  assertInstanceOf(server.log.errors[0], RangeError);
  assertEquals(server.info().failed, 12);
});

Deno.test("BaseServer.get_request() that gives what cannot be made into text is an error, and the server lives", async () => {
  const odd = [Object.create(null), Symbol("odd"), { toString: () => 1n }];
  class Odd extends ItemServer {
    override async get_request(): Promise<[string, string]> {
      return odd.length > 0 ? odd.shift() as [string, string] : await super.get_request();
    }
  }
  class Silent {
    run(): void {}
  }
  await using server = serving(new Odd(Silent, ["good"]));
  await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
  assertInstanceOf(server.log.errors[0], TypeError);
});

Deno.test("BaseServer: handle_error() that never ends holds a request until request_timeout, and no longer", async () => {
  class Hanging extends ItemServer {
    override verify_request(request: string): boolean {
      if (request === "bad") throw new Error("not verified");
      return super.verify_request(request);
    }

    override handle_error(): Promise<void> {
      return new Promise(() => {});
    }
  }
  class Silent {
    run(): void {}
  }
  await using server = serving(new Hanging(Silent, ["bad", "good"], { request_timeout: 50 }));
  await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
  assertEquals(server.info().completed, 1);
});

Deno.test("BaseServer.server_close() ends serve_forever() although handle_error() never does", async () => {
  class Hanging extends ItemServer {
    override verify_request(): boolean {
      throw new Error("not verified");
    }

    override handle_error(): Promise<void> {
      this.log.add("handle_error");
      return new Promise(() => {});
    }
  }
  class Silent {
    run(): void {}
  }
  const server = new Hanging(Silent, ["bad"]);
  const loop = server.serve_forever();
  await soon(server.log.until(({ entries }) => entries.includes("handle_error")));
  const start = performance.now();
  await soon(server.server_close({ grace: 50 }));
  await soon(loop);
  assert(performance.now() - start < SOON / 2);
});

Deno.test("BaseServer.shutdown() ends serve_forever() although handle_error() of no request never ends", async () => {
  class Hanging extends ItemServer {
    override handle_error(): Promise<void> {
      this.log.add("handle_error");
      return new Promise(() => {});
    }
  }
  class Silent {
    run(): void {}
  }
  const error = Object.assign(new Error("no room"), { code: "EMFILE" });
  await using server = new Hanging(Silent, [error]);
  const loop = server.serve_forever();
  await soon(server.log.until(({ entries }) => entries.includes("handle_error")));
  await soon(server.shutdown());
  await soon(loop);
});

Deno.test("BaseServer: process_request() that throws when its request is over starts no clock", async () => {
  class Throwing extends ItemServer {
    override async process_request(request: string, address: string): Promise<void> {
      await super.process_request(request, address);
      await turn();
      throw new Error("afterwards");
    }
  }
  class Silent {
    run(): void {}
  }
  await using server = serving(new Throwing(Silent, ["one"], { request_timeout: 20 }));
  await soon(server.log.until(({ errors }) => errors.length === 1));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(server.log.errors.length, 1);
  const { completed, timed_out } = server.info();
  assertEquals({ completed, timed_out }, { completed: 1, timed_out: 0 });
});

for (const Server of SERVERS) {
  Deno.test(`${Server.name}.server_close() closes a connection that get_request() still waits for`, async () => {
    class Preamble extends Server {
      readonly begun: PromiseWithResolvers<void> = Promise.withResolvers();
      readonly over: PromiseWithResolvers<void> = Promise.withResolvers();

      override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
        const pair = await super.get_request();
        this.begun.resolve();
        await pair[0].recv(100).finally(() => this.over.resolve());
        return pair;
      }
    }
    const server = new Preamble(HERE, UpperHandler, { max_workers: 1, linger: 50 });
    const loop = server.serve_forever();
    using silent = await LineClient.connect(server.server_address);
    await soon(server.begun.promise);
    await soon(server.server_close({ grace: 1000 }));
    await soon(loop);
    assertEquals(await line_or_end(silent), null);
    await soon(server.over.promise);
    await turn();
    const { accepted, refused, active } = server.info();
    assertEquals({ accepted, refused, active }, { accepted: 1, refused: 1, active: 0 });
  });
}
