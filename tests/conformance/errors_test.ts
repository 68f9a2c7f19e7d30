/** What becomes of a server when handlers and hooks throw; cases 21 and 22 are in forking_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AsyncTCPServer, type TCPRequest, TCPServer, ThreadingTCPServer } from "../../mod.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { ask_stream, connect } from "./echo_clients.ts";
import {
  EchoLineHandler,
  ExitingHandler,
  FailingFinishHandler,
  FailingHandleHandler,
  FailingHandler,
  FailingSetupHandler,
  StepsHandler,
} from "./handlers.ts";
import { ending_of } from "../fixtures/programs/programs.ts";
import { exiting_case, failing_case } from "./error_cases.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS = { max_workers: 1, linger: 200 };

const NotingTCPServer = Noting(TCPServer);
const NotingThreadingTCPServer = Noting(ThreadingTCPServer);
const SERVERS = [NotingTCPServer, Noting(AsyncTCPServer), NotingThreadingTCPServer];

/** The name of a server class without what it notes. */
function name_of(Server: typeof SERVERS[number]): string {
  return Object.getPrototypeOf(Server).name;
}

Deno.test("B17: TCPServer: an error of a handler goes to handle_error(), and handle_request() returns", async () => {
  await using server = new NotingTCPServer(HERE, FailingHandler, OPTIONS);
  using _client = await connect(server.server_address);
  await soon(server.handle_request());
  assertEquals(server.log.entries, ["handler", "handle_error"]);
  assertEquals((server.log.errors[0] as Error).message, "on purpose");
});

Deno.test("B18: TCPServer: Deno.exit() in a handler ends the program, without handle_error()", async () => {
  const program = fileURLToPath(new URL("exiting_program.ts", import.meta.url));
  const args = ["run", "-A", "--no-check", program];
  const { code, output, errors } = await ending_of(Deno.execPath(), args);
  assertEquals(code, 3, errors);
  assertEquals(output, "listening\nhandler\n");
});

Deno.test("B19: ThreadingTCPServer: an error of a handler goes to handle_error()", async () => {
  await using server = new NotingThreadingTCPServer(HERE, FailingHandler, OPTIONS);
  await failing_case(server);
});

Deno.test("B20: ThreadingTCPServer: Deno.exit() in a handler ends only its worker, which is replaced", async () => {
  await using server = serving(new NotingThreadingTCPServer(HERE, ExitingHandler, OPTIONS));
  await exiting_case(server, 2);
  assertEquals(server.log.entries, ["handler", "handle_error", "handler", "handle_error"]);
  const ready = () => server.info().workers!.filter(({ state }) => state === "ready");
  await soon(until(() => ready().length === 1));
  assert(ready()[0]!.id >= 3, "the worker was not replaced");
});

/** The steps of a handler, by what goes wrong, in the order of Python's. */
const STEPS = [
  { name: "B29: setup, handle, finish", Handler: StepsHandler, steps: "setup handle finish" },
  {
    name: "B29: finish is skipped when setup throws",
    Handler: FailingSetupHandler,
    steps: "setup handle_error",
  },
  {
    name: "B29: finish runs when handle throws",
    Handler: FailingHandleHandler,
    steps: "setup handle finish handle_error",
  },
  {
    name: "B30: an error in finish goes to handle_error() and the connection is closed",
    Handler: FailingFinishHandler,
    steps: "setup handle finish handle_error",
  },
];
for (const Server of SERVERS) {
  for (const { name, Handler, steps } of STEPS) {
    Deno.test(`${name} (${name_of(Server)})`, async () => {
      await using server = serving(new Server(HERE, Handler, OPTIONS));
      const words = steps.split(" ");
      assertEquals(await ask_stream(server.server_address, ""), "");
      await soon(server.log.until(({ entries }) => entries.length === words.length));
      assertEquals(server.log.entries, words);
      await soon(until(() => server.info().active === 0));
      assertEquals(server.info().failed, words.includes("handle_error") ? 1 : 0);
    });
  }
}

Deno.test("B31: an error of get_request() is passed over, and the next client is served", async () => {
  class Unlucky extends NotingTCPServer {
    accepts = 0;
    override get_request(): [TCPRequest, Deno.NetAddr] | Promise<[TCPRequest, Deno.NetAddr]> {
      if (++this.accepts <= 3) throw new Deno.errors.ConnectionAborted("on purpose");
      return super.get_request();
    }
  }
  await using server = serving(new Unlucky(HERE, EchoLineHandler));
  assertEquals(await ask_stream(server.server_address, "hello\n"), "hello\n");
  assertEquals(server.log.entries, []);
  assert(server.accepts > 3);
});

for (const Base of [TCPServer, AsyncTCPServer, ThreadingTCPServer]) {
  Deno.test(`B42: ${Base.name}: handle_error() that throws leaks no connection and ends no server`, async () => {
    class Clumsy extends Noting(Base) {
      override handle_error(...args: Parameters<TCPServer["handle_error"]>): void {
        super.handle_error(...args);
        throw new TypeError("handle_error, too");
      }
    }
    using _printed = new StandardError();
    const server = serving(new Clumsy(HERE, FailingHandler, OPTIONS));
    await using _closing = server;
    for (let turn = 1; turn <= 3; turn++) {
      assertEquals(await ask_stream(server.server_address, ""), "");
      await soon(until(() => server.info().failed === turn));
    }
    assertEquals(server.log.errors.length, 3);
  });
}
