/** What becomes of handlers that fail and that exit, in workers of whatever kind. */
import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { TCPServer } from "../../mod.ts";
import { or_end } from "../fixtures/clients/clients.ts";
import type { NotingMembers } from "../fixtures/servers/noting.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { ask_stream, connect } from "./echo_clients.ts";

/** An error of a `FailingHandler` goes to `handle_error()` of the server. */
export async function failing_case(server: TCPServer & NotingMembers): Promise<void> {
  using _client = await connect(server.server_address);
  await soon(server.handle_request());
  await soon(server.log.until(({ entries }) => entries.length === 2));
  assertEquals(server.log.entries, ["handler", "handle_error"]);
  const [error] = server.log.errors;
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "on purpose");
}

/** So many clients of an `ExitingHandler` get nothing, and the server goes on. */
export async function exiting_case(server: TCPServer & NotingMembers, turns: number) {
  for (let turn = 1; turn <= turns; turn++) {
    assertEquals(await or_end(ask_stream(server.server_address, "")) ?? "", "");
    await until(() => server.info().failed === turn);
  }
  const { entries, errors } = server.log;
  assertEquals(entries.filter((entry) => entry === "handler").length, turns);
  assertEquals(errors.length, turns);
  for (const error of errors) assertStringIncludes((error as Error).message, "ended");
}
