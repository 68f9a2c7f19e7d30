import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BaseServer, BufferedReader, StreamRequestHandler } from "../../../mod.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";
import { SOON, soon, until } from "../../fixtures/tools/waiting.ts";

const CLIENT: Deno.NetAddr = { transport: "tcp", hostname: "192.0.2.1", port: 1234 };

/** A server whose default `handle_error()` is called by the tests. */
function make_server(): BaseServer {
  return new BaseServer(null, StreamRequestHandler);
}

/** The error of a line over the limit. */
async function line_over_limit(): Promise<unknown> {
  try {
    await new BufferedReader(new TextEncoder().encode("too long\n")).readline(4);
  } catch (error) {
    return error;
  }
}

function parse_error(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

Deno.test("a client's fault is reported in one line that names it and the client", async () => {
  using printed = new StandardError();
  await using server = make_server();
  await server.handle_error(null, CLIENT, await line_over_limit());
  const text = await printed.all();
  assertEquals(
    text,
    "A request of 192.0.2.1:1234 failed: No end of the line was found within 4 bytes\n",
  );
});

Deno.test("a client's fault that a handler has wrapped is the handler's error", async () => {
  using printed = new StandardError();
  await using server = make_server();
  const error = new Error("wrapped", { cause: await line_over_limit() });
  await server.handle_error(null, CLIENT, error);
  const text = await printed.all();
  assertMatch(
    text,
    /^-+\nException occurred during .* from 192.0.2.1:1234\nError: wrapped\n {4}at /,
  );
  assertMatch(text, /\nCaused by: InvalidData: No end of the line/);
});

Deno.test("an error of the same class that a handler made is its own", async () => {
  using printed = new StandardError();
  await using server = make_server();
  await server.handle_error(null, CLIENT, new Deno.errors.InvalidData("bad head"));
  const text = await printed.all();
  assertMatch(text, /^-+\nException occurred/);
});

Deno.test("100,000 faults of clients are ten lines, and a count when the server closes", async () => {
  using printed = new StandardError();
  {
    await using server = make_server();
    const error = await line_over_limit();
    for (let count = 0; count < 100_000; count++) await server.handle_error(null, CLIENT, error);
  }
  const text = await printed.all();
  assert(text.length < 20_000, text);
  const lines = text.trimEnd().split("\n");
  const counted = lines.map((line) =>
    /^… and ([\d,]+) more\. The last: A request of 192/.exec(line)?.[1]
  );
  const sum = counted.reduce(
    (sum, count) => sum + (count ? Number(count.replaceAll(",", "")) : 1),
    0,
  );
  assertEquals(sum, 100_000);
});

Deno.test("errors of a handler are limited by their place in the code", async () => {
  using printed = new StandardError();
  {
    await using server = make_server();
    for (let count = 0; count < 1000; count++) {
      await server.handle_error(null, CLIENT, parse_error(`{${count}`));
    }
    await server.handle_error(null, CLIENT, new TypeError("another"));
  }
  const text = await printed.all();
  assert(text.length < 20_000, text);
  assert(text.match(/^SyntaxError/gm)!.length >= 10);
  assertStringIncludes(text, "\nTypeError: another\n");
  assertMatch(
    text,
    /^… and \d+ more\. The last: SyntaxError: .*, during processing of request/m,
  );
});

Deno.test("what was counted is told when the second is over, without a next error", async () => {
  using printed = new StandardError();
  await using server = make_server();
  const error = await line_over_limit();
  for (let count = 0; count < 12; count++) await server.handle_error(null, CLIENT, error);
  await soon(until(() => printed.text.includes("… and 2 more. The last: ")), SOON);
});

Deno.test("errors from very many places are limited, too", async () => {
  using printed = new StandardError();
  await using server = make_server();
  for (let count = 0; count < 2000; count++) {
    await server.handle_error(null, CLIENT, Object.assign(new Error(), { name: `E${count}` }));
  }
  await soon(until(() => printed.text.includes("more. The last: ")));
  const text = await printed.all();
  // Of each of the first 100 there is one, and of all the others there are ten, in the first second.
  assert(text.match(/^E\d+$/gm)!.length < 1000, text);
});

Deno.test("a handle_error() that throws is reported, and limited", async () => {
  using printed = new StandardError();
  const requests = Array.from({ length: 20 }, () => ["bad", "client"] as [string, string]);
  class Clumsy extends BaseServer<null, string, string> {
    override get_request(): [string, string] {
      return requests.shift()!;
    }
    override verify_request(): boolean {
      throw new Error("first");
    }
    override handle_error(): void {
      throw new TypeError("second\x1B[2J");
    }
  }
  {
    await using server = new Clumsy(null, StreamRequestHandler);
    while (requests.length > 0) await server.handle_request();
  }
  const text = await printed.all();
  assertEquals(
    text.match(/^handle_error\(\) threw:\nTypeError: second\\x1B\[2J\n {4}at /gm)?.length,
    10,
  );
  assertStringIncludes(text, "\nwhile it handled:\nError: first\n    at ");
  assertStringIncludes(
    text,
    "… and 10 more. The last: handle_error() threw TypeError: second",
  );
});

Deno.test("an address is shown without what could deceive", async () => {
  using printed = new StandardError();
  await using server = make_server();
  const path = "/tmp/a\nNov 27 sshd\x1B[2J";
  await server.handle_error(null, { transport: "unixpacket", path }, await line_over_limit());
  await server.handle_error(null, { transport: "unixpacket", path }, new Error("x"));
  await server.handle_error(null, Object.create(null), new Error("y"));
  const text = await printed.all();
  assertEquals(text.match(/\/tmp\/a\\nNov 27 sshd\\x1B\[2J/g)?.length, 2, text);
  assertStringIncludes(text, "request from an address that cannot be shown");
});
