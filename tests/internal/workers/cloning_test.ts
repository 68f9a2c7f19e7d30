/** What gets to workers and back, and what comes of values that cannot. */
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { prepare_for_process, prepare_for_thread } from "../../../internal/workers/cloning.ts";
import type { ToWorker } from "../../../internal/workers/messages.ts";
import {
  ForkingTCPServer,
  type TCPRequest,
  type TCPServer,
  ThreadingTCPServer,
} from "../../../mod.ts";
import { ask, line_or_end, LineClient, or_end } from "../../fixtures/clients/clients.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { Noting } from "../../fixtures/servers/noting.ts";
import { deep } from "../../fixtures/tools/deep_values.ts";
import { ODD_VALUES, type OddValue } from "../../fixtures/tools/odd_values.ts";
import { Log, serving } from "../../fixtures/servers/serving.ts";
import { ValueHandler } from "../../fixtures/handlers/value_handlers.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

Deno.test("a getter of what is sent runs once, and what it gives is looked at, too", () => {
  for (const prepare of [prepare_for_thread, prepare_for_process]) {
    for (const given of [1, deep("object", 1000)]) {
      let runs = 0;
      const value = {
        get odd() {
          runs++;
          return given;
        },
      };
      const message: ToWorker = { type: "answer", call: 1, value: [value] };
      if (given === 1) {
        prepare(message);
        assertEquals(structuredClone(message).value, [{ odd: 1 }]);
      } else {
        assertThrows(() => prepare(message), DOMException, "nested deeper than 500");
      }
      assertEquals(runs, 1);
    }
  }
});

/** What arrives of an object of the platform: itself, or nothing, which is refused. */
const PLATFORM: [string, () => object, { thread: boolean; process: boolean }][] = [
  ["an AbortSignal", () => new AbortController().signal, { thread: false, process: false }],
  ["FormData", () => new FormData(), { thread: false, process: false }],
  ["a Blob", () => new Blob(["x"]), { thread: true, process: false }],
  ["a URL", () => new URL("http://a"), { thread: false, process: false }],
  ["Headers", () => new Headers(), { thread: false, process: false }],
  ["a DOMException", () => new DOMException("x", "AbortError"), { thread: true, process: true }],
  ["a Date", () => new Date(), { thread: true, process: true }],
];

for (const [what, make, arrives] of PLATFORM) {
  Deno.test(`what would arrive as an empty object is refused, or arrives: ${what}`, () => {
    const message = (): ToWorker => ({ type: "answer", call: 1, value: [make()] });
    const to_thread = () => {
      const sent = message();
      prepare_for_thread(sent);
      structuredClone(sent);
    };
    const to_process = () => prepare_for_process(message());
    if (arrives.thread) to_thread();
    else assertEquals(assertThrows(to_thread, DOMException).name, "DataCloneError");
    if (arrives.process) to_process();
    else assertEquals(assertThrows(to_process, DOMException).name, "DataCloneError");
  });
}

Deno.test("what may be moved is not refused before it is sent", () => {
  prepare_for_thread({ type: "answer", call: 1, value: [new ReadableStream()] });
});

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS = { max_workers: 1, max_children: 1, linger: 200 };

type ServerClass = typeof TCPServer;

/** A server with something of each kind. */
function odd_server(Base: ServerClass) {
  class OddServer extends Base {
    static limit = 3;
    static nothing = undefined;
    static shared = new SharedArrayBuffer(4);
    static symbol = Symbol("odd");
    static nested = { run: () => 1 };
    static get computed(): number {
      return 4;
    }
    static helper(): void {}
    field = 5;
    readonly log: Log = new Log();

    get total(): number {
      return this.field + 1;
    }

    echo(value: unknown): unknown {
      return value;
    }

    give(name: OddValue): unknown {
      return ODD_VALUES[name]();
    }

    override handle_error(_request: unknown, _address: unknown, error: unknown): void {
      this.log.add_error(error);
    }
  }
  return new OddServer(HERE, ValueHandler, OPTIONS);
}

/** Values that every worker gets, and what they are there. */
const TAKEN: Partial<Record<OddValue, string>> = {
  text: "text",
  plain: "[object Object]",
  many: "[object Array]",
  cycle: "[object Object]",
};
/** A part of the error for each value that no worker gets. */
const REFUSED: Partial<Record<OddValue, string>> = {
  function: "could not be cloned.",
  nested: "could not be cloned.",
  symbol: "Symbol(odd) could not be cloned.",
  promise: "#<Promise> could not be cloned.",
  proxy: "#<Object> could not be cloned.",
  getter: "thrown by a getter",
  detached: "could not be cloned.",
};
const REFUSED_BY: [ServerClass, Partial<Record<OddValue, string>>][] = [
  [ThreadingTCPServer, REFUSED],
  [ForkingTCPServer, { ...REFUSED, shared: "#<SharedArrayBuffer> could not be cloned." }],
];

for (const [Server, refused] of REFUSED_BY) {
  const CALLS = { pass: "an argument of echo()", give: "the result of give()" };
  for (const [word, what] of Object.entries(CALLS)) {
    Deno.test(`${Server.name}: ${what} that cannot be cloned fails the call, and nothing else`, async () => {
      await using server = serving(odd_server(Server));
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask(`${word} text`)), "text");
      const workers = server.info().workers!.map(({ id }) => id);
      for (const [name, reason] of Object.entries(refused)) {
        const answer = await soon(client.ask(`${word} ${name}`));
        assertStringIncludes(answer!, `DataCloneError: Cannot pass ${what}: `);
        assertStringIncludes(answer!, reason);
        for (const [good, kind] of Object.entries(TAKEN)) {
          assertEquals(await soon(client.ask(`${word} ${good}`)), kind);
        }
      }
      assertEquals(server.info().workers!.map(({ id }) => id), workers);
      assertEquals(server.log.errors, []);
    });
  }

  Deno.test(`${Server.name}: a request that cannot be cloned fails alone`, async () => {
    class OddAddresses extends Noting(Server) {
      #calls = 0;

      override async get_request(): Promise<[TCPRequest, Deno.NetAddr]> {
        const [request, address] = await super.get_request();
        const odd = { ...address, odd: () => {} };
        return [request, ++this.#calls <= 2 ? odd : address];
      }
    }
    await using server = serving(new OddAddresses(HERE, UpperHandler, OPTIONS));
    await soon(until(() => server.info().workers?.[0]?.state === "ready"));
    const workers = server.info().workers!.map(({ id }) => id);
    for (const answer of [null, null, "HELLO", "HELLO"]) {
      assertEquals(await or_end(ask(server.server_address, "hello")), answer);
    }
    assertEquals(server.info().workers!.map(({ id }) => id), workers);
    assertEquals(server.log.errors.length, 2);
  });

  Deno.test(`${Server.name}: a client's address that a hook made uncloneable fails its request alone`, async () => {
    class OddAddresses extends Noting(Server) {
      override verify_request(_request: TCPRequest, address: Deno.NetAddr): boolean {
        if (this.info().accepted === 2) Object.assign(address, { odd: () => {} });
        else Object.assign(address, { user: "known" });
        return true;
      }
    }
    await using server = serving(new OddAddresses(HERE, UpperHandler, OPTIONS));
    for (const answer of ["HELLO", null, "HELLO"]) {
      assertEquals(await or_end(ask(server.server_address, "hello")), answer);
    }
    assertEquals(server.log.errors.length, 1);
  });

  Deno.test(`${Server.name}: what a handler throws reaches handle_error() whatever is in it`, async () => {
    await using server = serving(odd_server(Server));
    using first = await LineClient.connect(server.server_address);
    assertEquals(await soon(first.ask("pass text")), "text");
    first[Symbol.dispose]();
    const workers = server.info().workers!.map(({ id }) => id);
    const messages = { throw: undefined, cause: "caused", own: "owning" };
    for (const [word, message] of Object.entries(messages)) {
      for (const name of Object.keys(ODD_VALUES)) {
        using client = await LineClient.connect(server.server_address);
        await client.send(`${word} ${name}`);
        assertEquals(await line_or_end(client), null);
        await soon(server.log.until(({ errors }) => errors.length === 1));
        const error = server.log.errors.pop();
        assertInstanceOf(error, message === undefined ? Error : TypeError, `${word} ${name}`);
        if (message !== undefined) assertEquals(error.message, message);
      }
    }
    assertEquals(server.info().workers!.map(({ id }) => id), workers);
  });

  Deno.test(`${Server.name}: static properties are copied, and reading one that cannot be says so`, async () => {
    await using server = serving(odd_server(Server));
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.ask("static limit")), "3");
    assertEquals(await soon(client.ask("static request_queue_size")), "4096");
    assertEquals(await soon(client.ask("static nothing")), "undefined");
    assertEquals(await soon(client.ask("static missing")), "undefined");
    for (const name of ["symbol", "nested", "computed", "helper"]) {
      assertStringIncludes((await soon(client.ask(`static ${name}`)))!, refusal(name));
    }
    const shared = await soon(client.ask("static shared"));
    if ("shared" in refused) assertStringIncludes(shared!, refusal("shared"));
    else assertEquals(shared, "[object SharedArrayBuffer]");
  });

  Deno.test(`${Server.name}: a getter of the server read in a worker says what to do, as a field does`, async () => {
    await using server = serving(odd_server(Server));
    using client = await LineClient.connect(server.server_address);
    for (const name of ["field", "total"]) {
      const answer = await soon(client.ask(`read ${name}`));
      assertStringIncludes(answer!, `TypeError: Cannot read server.${name} in a worker: `);
      assertStringIncludes(answer!, "Give the server a method");
    }
    assertEquals(await soon(client.ask("read max_requests")), "Infinity");
    assertEquals(await soon(client.ask("pass text")), "text");
  });
}

/** What reading a static says that is not there. */
function refusal(name: string): string {
  return `TypeError: Cannot read server.constructor.${name} in a worker: it cannot be copied`;
}
