import { assertStringIncludes } from "@std/assert";
import { AsyncTCPServer, BaseRequestHandler } from "../../../mod.ts";
import { StatusLine } from "../../../operation/serve/status_line.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";

Deno.test("A status line goes on when its terminal is closed", async () => {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], BaseRequestHandler);
  using shown = new StandardError();
  const { consoleSize } = Deno;
  Deno.consoleSize = () => {
    throw new Error("Input/output error (os error 5)");
  };
  try {
    using _ = new StatusLine(() => server.info());
    assertStringIncludes(await shown.all(), "0 active, 0 waiting, 0 served, 0/s");
  } finally {
    Deno.consoleSize = consoleSize;
  }
  await shown.all();
});
