import { assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import type { ChildCommand } from "../../../internal/workers/child_command.ts";
import { PROCESS_ENTRY, ProcessHost } from "../../../internal/workers/process_host.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";
import { unread_by_worker } from "../../fixtures/servers/unread.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

function command_of(args: string[]): ChildCommand {
  return {
    file: Deno.execPath(),
    args,
    environment: ["NO_COLOR=1"],
    cwd: Deno.cwd(),
    folder: undefined,
  };
}

/** The cause of the end of a child process with these arguments. */
async function end_of(args: string[], meanwhile = (_host: ProcessHost) => {}): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const host = new ProcessHost(command_of(args), {
    received: () => {},
    unheard: () => host.kill(),
    ended: resolve,
  });
  meanwhile(host);
  return await soon(promise);
}

Deno.test("ProcessHost tells the end of a child that ended before it could load its module", async () => {
  const cause = await end_of(["eval", "Deno.exit(3)"]);
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 3$/);
});

Deno.test("ProcessHost tells the end of a child that was killed while it started", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => host.kill());
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ was ended by SIGKILL$/);
});

Deno.test("ProcessHost ends a child whose messages cannot be read any more", async () => {
  const half = 'import process from "node:process"; process.send([() => 1], () => {}); ' +
    "setInterval(() => {}, 1000);";
  const cause = await end_of(["eval", half]);
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ cannot be heard: Failed to read value$/);
});

Deno.test("ProcessHost refuses what cannot be cloned, and the child hears what comes after", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => {
    const odd = { type: "answer", call: 1, value: () => {} } as const;
    assertThrows(() => host.post([{ type: "exit" }, odd]), DOMException, "could not be cloned");
    host.post([{ type: "exit" }]);
  });
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 0$/);
});

Deno.test("ProcessHost tells the end of a child that had not read what was sent to it", async () => {
  const cause = await end_of(["run", "--no-such-flag"], (host) => host.post([{ type: "end" }]));
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ ended with code 1$/);
});

Deno.test("ProcessHost tells the end of a child that was killed before it read what was sent", async () => {
  const cause = await end_of(["run", "-A", PROCESS_ENTRY], (host) => {
    host.post([{ type: "end" }]);
    host.kill();
  });
  assertInstanceOf(cause, Error);
  assertMatch(cause.message, /^Child process \d+ was ended by SIGKILL$/);
});

Deno.test("ProcessHost tells that a child may not be started any more, as when one has ended", async () => {
  const program = new URL("../../fixtures/programs/refused_child.ts", import.meta.url).href;
  const { output } = await ending_of(Deno.execPath(), ["run", "--no-prompt", program]);
  assertEquals(output, "A child process\nNotCapable\n");
});

Deno.test("ProcessHost: a child that cannot read a message says so", async () => {
  const command = command_of(["run", "-A", PROCESS_ENTRY]);
  const said = await unread_by_worker((events) => new ProcessHost(command, events));
  assertEquals(said, "Failed to read value");
});
