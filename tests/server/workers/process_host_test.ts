import { assertInstanceOf, assertMatch } from "@std/assert";
import { PROCESS_ENTRY, ProcessHost } from "../../../server/workers/process_host.ts";
import { soon } from "../../fixtures/waiting.ts";

/** The cause of the end of a child process with these arguments. */
async function end_of(args: string[], meanwhile = (_host: ProcessHost) => {}): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const command = { file: Deno.execPath(), args, environment: ["NO_COLOR=1"] };
  const host = new ProcessHost(command, { received: () => {}, ended: resolve });
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
